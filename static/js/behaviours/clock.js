/**
 * The time of day by the device's clock, as people say it: 4:52. A minute starts when the device's does.
 *
 * @param {HTMLElement} element
 * @returns {() => void}
 */
export function mount(element) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const show = () => {
    const now = new Date();
    const hour = now.getHours() % 12 || 12;
    element.textContent = `${hour}:${String(now.getMinutes()).padStart(2, "0")}`;
    clearTimeout(timer);
    timer = setTimeout(show, 60_000 - (now.getTime() % 60_000));
  };
  show();
  // A tablet that slept has a timer that slept with it.
  document.addEventListener("visibilitychange", show);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", show);
  };
}
