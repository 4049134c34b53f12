/**
 * A form that is kept on the tablet where the server cannot be reached: `data-offline` says what it means
 * (static/js/offline/forms.js). The worker sees no more of a form than where it goes, and must know at once; so the mark
 * stands in the address, with who is signed in and in which shop.
 *
 * @param {HTMLElement} element a form
 * @returns {() => void}
 */
export function mount(element) {
  const form = /** @type {HTMLFormElement} */ (element);
  const { user = "", shop = "" } = document.body.dataset;
  /** @param {string} address */
  const marked = (address) => {
    const { pathname, searchParams } = new URL(address, location.href);
    for (const [name, value] of Object.entries({ offline: form.dataset.offline ?? "", by: user, shop }))
      searchParams.set(name, value);
    return `${pathname}?${searchParams}`;
  };
  const plain = form.getAttribute("action") ?? "";
  form.setAttribute("action", marked(plain));
  /** @param {Event} event */
  const mark = (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (event.target === form) detail.path = marked(detail.path);
  };
  form.addEventListener("htmx:configRequest", mark);
  return () => {
    form.setAttribute("action", plain);
    form.removeEventListener("htmx:configRequest", mark);
  };
}
