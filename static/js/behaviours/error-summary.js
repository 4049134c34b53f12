/**
 * Brings the reader to what is wrong, also after htmx has put a refused form back.
 *
 * @param {HTMLElement} element
 * @returns {undefined}
 */
export function mount(element) {
  element.focus();
}
