/**
 * Keeps the screen on while the counter is open; the lock ends with every hiding and is asked for again.
 *
 * @param {Document} page @param {Navigator} device
 * @returns {() => void} lets it go
 */
export function keepAwake(page = document, device = navigator) {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  let isOver = false;

  async function ask() {
    if (isOver || page.visibilityState !== "visible" || !device.wakeLock || (lock && !lock.released)) return;
    try {
      lock = await device.wakeLock.request("screen");
      if (isOver) lock.release();
    } catch {
      // Battery saver: the screen dims as the device pleases.
    }
  }

  page.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    isOver = true;
    page.removeEventListener("visibilitychange", ask);
    lock?.release();
  };
}
