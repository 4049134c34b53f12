/**
 * Sends a filter form as soon as a choice is made. Typed text waits for Enter or the button.
 *
 * @param {HTMLElement} element a form with method GET
 * @returns {() => void}
 */
export function mount(element) {
  const form = /** @type {HTMLFormElement} */ (element);
  /** @param {Event} event */
  const send = (event) => {
    const field = event.target;
    if (
      field instanceof HTMLSelectElement ||
      (field instanceof HTMLInputElement && field.type !== "search" && field.type !== "text")
    ) {
      form.requestSubmit();
    }
  };
  form.addEventListener("change", send);
  return () => form.removeEventListener("change", send);
}
