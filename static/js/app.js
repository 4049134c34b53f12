/**
 * Mounts behaviours: an element with `data-behaviour="name"` is given to `behaviours/name.js`.
 *
 * A behaviour exports `mount(element)` and returns what undoes it, or nothing. Pages work without
 * any of them.
 *
 * @typedef {{ mount: (element: HTMLElement) => (() => void) | undefined }} Behaviour
 */
import { arriveNobody, isLeft } from "./left.js";
import { guard } from "./locked.js";
import { mountWorker } from "./worker.js";

/** Each import is written out, so that its hashed name can be put in. @type {Record<string, () => Promise<Behaviour>>} */
const BEHAVIOURS = {
  "cash-count": () => import("./behaviours/cash-count.js"),
  clock: () => import("./behaviours/clock.js"),
  copy: () => import("./behaviours/copy.js"),
  "farmer-list-file": () => import("./behaviours/farmer-list-file.js"),
  "farmer-suggestions": () => import("./behaviours/farmer-suggestions.js"),
  "farmer-to-counter": () => import("./behaviours/farmer-to-counter.js"),
  dialog: () => import("./behaviours/dialog.js"),
  "error-summary": () => import("./behaviours/error-summary.js"),
  "keep-offline": () => import("./behaviours/keep-offline.js"),
  "sign-out": () => import("./behaviours/sign-out.js"),
  "print-page": () => import("./behaviours/print-page.js"),
  "quiet-refresh": () => import("./behaviours/quiet-refresh.js"),
  "submit-once": () => import("./behaviours/submit-once.js"),
  "rate-board": () => import("./behaviours/rate-board.js"),
  "rate-wall": () => import("./behaviours/rate-wall.js"),
  "submit-on-change": () => import("./behaviours/submit-on-change.js"),
  toast: () => import("./behaviours/toast.js"),
};

/** @type {Map<HTMLElement, (() => void)[]>} */
const mounted = new Map();

/** @param {HTMLElement} element */
async function mount(element) {
  if (mounted.has(element)) return;
  /** @type {(() => void)[]} */
  const undo = [];
  mounted.set(element, undo);
  for (const name of (element.dataset.behaviour ?? "").split(" ")) {
    const load = BEHAVIOURS[name];
    if (!load) throw new Error(`no behaviour "${name}"`);
    const teardown = (await load()).mount(element);
    if (teardown) undo.push(teardown);
  }
}

/** @param {ParentNode} root */
export function mountAll(root) {
  if (root instanceof HTMLElement && root.dataset.behaviour) mount(root);
  for (const element of root.querySelectorAll("[data-behaviour]"))
    mount(/** @type {HTMLElement} */ (element));
}

/** @param {Node} root */
export function unmountAll(root) {
  for (const [element, undo] of mounted) {
    if (root.contains(element)) {
      for (const step of undo) step();
      mounted.delete(element);
    }
  }
}

/** Says that something sent by hand did not arrive; a list that refreshes by itself just tries again. @param {Event} event */
function tell(event) {
  const { requestConfig } = /** @type {CustomEvent} */ (event).detail;
  const messages = document.getElementById("messages");
  if (requestConfig?.verb === "get" || !messages) return;
  const toast = document.createElement("p");
  toast.className = "toast toast--error";
  toast.textContent = document.body.dataset.failed ?? "";
  messages.replaceChildren(toast);
}

document.addEventListener("htmx:responseError", tell);
document.addEventListener("htmx:sendError", tell);
document.addEventListener("htmx:load", (event) => mountAll(/** @type {HTMLElement} */ (event.target)));
document.addEventListener("htmx:beforeCleanupElement", (event) =>
  unmountAll(/** @type {HTMLElement} */ (event.target)),
);
mountAll(document);

/** Something was typed that is not sent yet. */
let isTyped = false;
document.addEventListener("input", () => {
  isTyped = true;
});
document.addEventListener("submit", () => {
  isTyped = false;
});
mountWorker({ isBusy: () => isTyped });

/** Whose page it is. */
const { user, nobody } = document.body.dataset;
if (nobody !== undefined) arriveNobody();
else if (user) {
  if (isLeft()) document.documentElement.hidden = true;
  else guard(() => isTyped);
  // Without a network it did not come; the next page asks again.
  import("./leaving.js").then(({ arrive }) => arrive(user)).catch(() => {});
}
