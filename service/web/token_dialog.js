// Asks for the server's token.

import { h } from "./dom.js";
import { openDialog } from "./dialog.js";

/** The token that was typed, or null. `again`: there was one, and the server did not take it. */
export function askForToken(again) {
  return new Promise((resolve) => {
    let token = null;
    const input = h("input", {
      id: "token", type: "password", required: true, autocomplete: "off", spellcheck: "false",
    });
    openDialog({
      title: "Token needed",
      content: [
        h("p", null, again
          ? "The server does not take the token that this tab has."
          : "The server wants a token for this."),
        h("p", null, "Open the address that aftershock serve printed, or paste the token here. It is kept until this tab is closed."),
        h("label", { for: "token" }, "Token"),
        input,
      ],
      submit: "Use it",
      onSubmit(_form, dialog) {
        token = input.value.trim() || null;
        dialog.close();
      },
      onClose: () => resolve(token),
    });
    input.focus();
  });
}
