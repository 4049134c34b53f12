/**
 * The form that signs out: what is only on this tablet is taken care of first.
 *
 * @param {HTMLElement} element the form; `data-user` and `data-shop` say whose it is
 */
export function mount(element) {
  const form = /** @type {HTMLFormElement} */ (element);
  const { user = "", shop = "" } = form.dataset;
  /** @param {SubmitEvent} event */
  const onSubmit = async (event) => {
    event.preventDefault();
    const csrf = new FormData(form).get("csrfmiddlewaretoken");
    try {
      const { leave } = await import("../leaving.js");
      await leave({ user, shop }, String(csrf), () => form.submit());
    } catch {
      form.submit();
    }
  };
  form.addEventListener("submit", onSubmit);
  return () => form.removeEventListener("submit", onSubmit);
}
