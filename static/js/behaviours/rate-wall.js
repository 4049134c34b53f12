/**
 * The board on the wall: fills the screen on request and keeps it awake.
 *
 * @param {HTMLElement} element
 * @returns {() => void}
 */
export function mount(element) {
  const button = element.querySelector("[data-full-screen]");
  /** @type {WakeLockSentinel | undefined} */
  let awake;
  const stayAwake = async () => {
    if (document.hidden || !("wakeLock" in navigator)) return;
    // Refused on a low battery: then the screen goes dark when it always does.
    awake = await navigator.wakeLock.request("screen").catch(() => undefined);
  };
  const fill = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  };
  if (button instanceof HTMLElement && document.fullscreenEnabled) {
    button.hidden = false;
    button.addEventListener("click", fill);
  }
  document.addEventListener("visibilitychange", stayAwake);
  stayAwake();
  return () => {
    document.removeEventListener("visibilitychange", stayAwake);
    awake?.release();
  };
}
