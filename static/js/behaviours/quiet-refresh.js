/**
 * Keeps a part of the page fresh (its hx-trigger says how often) only while somebody looks at it:
 * nothing is asked for in a hidden tab or under the reader's finger, and once on coming back.
 * Where the network fails it stays silent: the page says of what time its figures are.
 *
 * @param {HTMLElement} element
 * @returns {() => void}
 */
export function mount(element) {
  /** @param {Event} event */
  const hold = (event) => {
    if (event.target === element && (document.hidden || element.contains(document.activeElement)))
      event.preventDefault();
  };
  const comeBack = () => {
    if (!document.hidden) element.dispatchEvent(new Event("refresh"));
  };
  /** @param {Event} event */
  const hush = (event) => event.stopPropagation();
  element.addEventListener("htmx:beforeRequest", hold);
  element.addEventListener("htmx:responseError", hush);
  element.addEventListener("htmx:sendError", hush);
  document.addEventListener("visibilitychange", comeBack);
  return () => {
    element.removeEventListener("htmx:beforeRequest", hold);
    element.removeEventListener("htmx:responseError", hush);
    element.removeEventListener("htmx:sendError", hush);
    document.removeEventListener("visibilitychange", comeBack);
  };
}
