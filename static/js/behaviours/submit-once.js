/**
 * Swallows a second tap on "Save" while the first is under way. The server's key is the guarantee;
 * this only spares the wait. A page restored by the back button can send again.
 *
 * @param {HTMLElement} element a form
 * @returns {() => void}
 */
export function mount(element) {
  let sent = false;
  /** @param {Event} event */
  const guard = (event) => {
    if (sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    sent = true;
    mark(true);
  };
  const release = () => {
    sent = false;
    mark(false);
  };
  /** Not `disabled`: that would drop the button's own name and value from what is sent. @param {boolean} busy */
  const mark = (busy) => {
    for (const button of element.querySelectorAll("button:not([type=button])")) {
      button.setAttribute("aria-disabled", String(busy));
    }
  };
  element.addEventListener("submit", guard, { capture: true });
  element.addEventListener("htmx:afterRequest", release);
  window.addEventListener("pageshow", release);
  return () => {
    element.removeEventListener("submit", guard, { capture: true });
    element.removeEventListener("htmx:afterRequest", release);
    window.removeEventListener("pageshow", release);
  };
}
