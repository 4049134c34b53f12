/**
 * Keeps a part of the page fresh (its hx-trigger says how often) only while somebody looks at it:
 * nothing is asked for in a hidden tab, and once on coming back. What comes in changes nothing else:
 * the focus stays where it was, what was opened stays open, what was scrolled stays so. That needs
 * ids; under a focus without one nothing moves.
 *
 * The page says of what time its figures are (`data-as-of`). An answer without figures moves that
 * time on (the event `malar:unchanged` brings the words); where the network fails it stands, and the
 * part is marked `data-stale`.
 *
 * @param {HTMLElement} element
 * @returns {() => void}
 */
export function mount(element) {
  /** Where the reader was, by id. @type {{ open: Set<string>, shut: Set<string>, left: Map<string, number> }} */
  let place = { open: new Set(), shut: new Set(), left: new Map() };

  /** @returns {NodeListOf<HTMLDetailsElement>} */
  const folded = () => element.querySelectorAll("details[id]");

  /** @param {Event} event */
  const hold = (event) => {
    const focused = document.activeElement;
    const lost = focused !== null && element.contains(focused) && !focused.id;
    if (event.target === element && (document.hidden || lost)) event.preventDefault();
  };
  const comeBack = () => {
    if (!document.hidden) element.dispatchEvent(new Event("refresh"));
  };
  /** @param {Event} event */
  const hush = (event) => {
    event.stopPropagation();
    element.dataset.stale = "";
  };
  /** @param {Event} event */
  const remember = (event) => {
    const { xhr } = /** @type {CustomEvent} */ (event).detail;
    if (new URL(xhr.responseURL).pathname !== location.pathname) {
      // Sent elsewhere: he is no longer signed in. The whole page goes there, not this part of it.
      event.preventDefault();
      location.reload();
      return;
    }
    place = { open: new Set(), shut: new Set(), left: new Map() };
    for (const part of folded()) (part.open ? place.open : place.shut).add(part.id);
    for (const part of element.querySelectorAll("[id]"))
      if (part.scrollLeft) place.left.set(part.id, part.scrollLeft);
  };
  const restore = () => {
    delete element.dataset.stale;
    for (const part of folded()) {
      if (place.open.has(part.id)) part.open = true;
      if (place.shut.has(part.id)) part.open = false;
    }
    for (const [id, left] of place.left) {
      const part = document.getElementById(id);
      if (part) part.scrollLeft = left;
    }
  };
  /** @param {Event} event */
  const unchanged = (event) => {
    delete element.dataset.stale;
    const asOf = element.querySelector("[data-as-of]");
    if (asOf) asOf.textContent = /** @type {CustomEvent} */ (event).detail.value;
  };

  /** @type {[EventTarget, string, (event: Event) => void][]} */
  const listened = [
    [element, "htmx:beforeRequest", hold],
    [element, "htmx:responseError", hush],
    [element, "htmx:sendError", hush],
    [element, "htmx:beforeSwap", remember],
    [element, "htmx:afterSwap", restore],
    [element, "malar:unchanged", unchanged],
    [document, "visibilitychange", comeBack],
  ];
  for (const [target, name, listener] of listened) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of listened) target.removeEventListener(name, listener);
  };
}
