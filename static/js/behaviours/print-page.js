/**
 * A button that prints the page. Without JavaScript it stays hidden: the browser's own menu prints.
 *
 * @param {HTMLElement} element
 * @returns {() => void}
 */
export function mount(element) {
  const print = () => window.print();
  element.hidden = false;
  element.addEventListener("click", print);
  return () => element.removeEventListener("click", print);
}
