/**
 * A button and the question it opens. The browser keeps the focus inside and lets Escape close it;
 * a form with method="dialog" closes it by its buttons.
 *
 * @param {HTMLElement} element holds a `[data-dialog-open]` button, hidden without a script, and a dialog
 * @returns {(() => void) | undefined}
 */
export function mount(element) {
  const button = element.querySelector("[data-dialog-open]");
  const dialog = element.querySelector("dialog");
  if (!(button instanceof HTMLButtonElement) || !dialog) return;
  const open = () => dialog.showModal();
  button.hidden = false;
  button.addEventListener("click", open);
  return () => button.removeEventListener("click", open);
}
