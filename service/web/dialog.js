// Modal dialogs: a heading, a form, and an answer. The browser's <dialog> keeps the focus inside,
// closes on Escape and gives the focus back.

import { h } from "./dom.js";

let count = 0;

/** Opens a dialog with the form's content in it. `onSubmit` gets (form, dialog) and closes it. */
export function openDialog({ title, content, submit, submitClass = "primary", onSubmit, onClose }) {
  count += 1;
  const heading = `dialog-title-${count}`;
  const form = h(
    "form",
    {
      method: "dialog",
      onsubmit: (event) => {
        event.preventDefault();
        if (onSubmit) onSubmit(form, dialog);
        else dialog.close();
      },
    },
    h("h2", { id: heading }, title),
    content,
    h(
      "div",
      { class: "dialog-buttons" },
      h("button", { type: "button", onclick: () => dialog.close() }, submit ? "Cancel" : "Close"),
      submit ? h("button", { type: "submit", class: submitClass }, submit) : null,
    ),
  );
  const dialog = h("dialog", { "aria-labelledby": heading }, form);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** True once the reader has confirmed, false where they have not. */
export function confirmDialog({ title, text, submit, submitClass }) {
  return new Promise((resolve) => {
    let confirmed = false;
    openDialog({
      title,
      content: h("p", null, text),
      submit,
      submitClass,
      onSubmit(_form, dialog) {
        confirmed = true;
        dialog.close();
      },
      onClose: () => resolve(confirmed),
    });
  });
}
