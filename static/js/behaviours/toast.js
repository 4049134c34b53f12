/**
 * Lets a message be put away. It never vanishes by itself: nobody knows how long somebody reads.
 *
 * @param {HTMLElement} element
 * @returns {undefined}
 */
export function mount(element) {
  const close = element.querySelector("[data-toast-close]");
  if (!(close instanceof HTMLButtonElement)) return;
  close.hidden = false;
  close.addEventListener("click", () => element.remove());
}
