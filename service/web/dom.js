// Building and updating the page. Text from the API only ever becomes text nodes or attributes of
// elements that are named here, so nothing in it can become markup.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "line", "circle", "rect"]);

/**
 * An element. `properties`: attributes; `on…` are handlers; null, undefined and false are left out.
 * `children`: elements, texts, numbers, arrays of them; null and false are left out.
 */
export function h(tag, properties, ...children) {
  const element = SVG_TAGS.has(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element[name] = value;
    else if (name === "checked") element.checked = value;
    else if (name === "place") placeAlong(element, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Where an element stands along a line, in parts of its length: [left, width]. */
function placeAlong(element, [left, width]) {
  element.style.left = `${(100 * left).toFixed(3)}%`;
  if (width !== undefined) element.style.width = `${(100 * width).toFixed(3)}%`;
}

const HANDLERS = ["onclick", "onchange", "oninput", "onsubmit", "onkeydown"];
const KEPT = new Set(["open"]); // what the reader changes: not taken back by an update

function alike(old, fresh) {
  return (
    old.nodeType === fresh.nodeType &&
    old.nodeName === fresh.nodeName &&
    (old.nodeType !== Node.ELEMENT_NODE ||
      old.getAttribute("data-key") === fresh.getAttribute("data-key"))
  );
}

function patchElement(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name === "style") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const name of ["left", "width"]) {
    if (old.style[name] !== fresh.style[name]) old.style[name] = fresh.style[name];
  }
  for (const handler of HANDLERS) old[handler] = fresh[handler];
  if (old.type === "checkbox") old.checked = fresh.checked;
  patch(old, [...fresh.childNodes]);
}

/**
 * Makes the container's content like `children` by changing what differs and no more: focus,
 * selections and clicks under way survive. Elements with the same data-key are the same thing; an
 * element that is in the container already stays as it is.
 */
export function patch(container, ...children) {
  const wanted = nodes(children);
  const keyed = new Map();
  for (const child of container.children) {
    if (child.dataset.key !== undefined) keyed.set(child.dataset.key, child);
  }
  const focused = document.activeElement;
  let place = container.firstChild;
  for (const fresh of wanted) {
    let old = place;
    const key = fresh.dataset?.key;
    if (key !== undefined && keyed.has(key)) old = keyed.get(key);
    if (old && alike(old, fresh)) {
      if (old === place) place = place.nextSibling;
      else container.insertBefore(old, place);
      if (old.nodeType !== Node.ELEMENT_NODE) {
        if (old.data !== fresh.data) old.data = fresh.data;
      } else if (old !== fresh) {
        patchElement(old, fresh);
      }
    } else {
      container.insertBefore(fresh, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

let announcementTimer;

/** Says it to everyone: on the screen for some seconds, and to screen readers. */
export function announce(text, kind = "") {
  const place = document.getElementById("announcement");
  place.className = `toast shown ${kind}`;
  place.textContent = text;
  clearTimeout(announcementTimer);
  announcementTimer = setTimeout(() => {
    place.className = "toast";
    place.textContent = "";
  }, kind === "bad" ? 12000 : 6000);
}

/** Copies the text, by the clipboard interface or, where a page may not use it, as a selection. */
export async function copyText(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = h("textarea", { class: "offscreen", readonly: true, "aria-hidden": "true" });
    field.value = text;
    const host = document.querySelector("dialog[open]") ?? document.body;
    const focused = document.activeElement;
    host.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    focused?.focus();
    if (!copied) {
      announce(`Could not copy. ${what}: ${text}`, "bad");
      return;
    }
  }
  announce(`Copied ${what}: ${text}`, "good");
}

/** Calls `work` soon, and at most once in `pause_ms` however often it is asked to. */
export function atMostEvery(pause_ms, work) {
  let timer = null;
  let last = -Infinity;
  const soon = () => {
    if (timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      work();
    }, Math.max(0, last + pause_ms - performance.now()));
  };
  soon.cancel = () => clearTimeout(timer);
  return soon;
}
