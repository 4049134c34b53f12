/**
 * A link to the plain form that leads to the counter instead, which needs JavaScript as this does.
 *
 * @param {HTMLElement} element a link with `data-counter`
 * @returns {undefined}
 */
export function mount(element) {
  element.setAttribute("href", element.dataset.counter ?? "");
}
