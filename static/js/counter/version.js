/**
 * A new version of the counter: a chip says that it is there, and it is never loaded while a slip is in hand.
 */
import { mountWorker } from "../worker.js";

const LOOK_MS = 500;

/** @param {() => boolean} isInHand whether a slip has been begun, or is being written */
export function mountVersion(isInHand) {
  const chip = /** @type {HTMLButtonElement} */ (document.getElementById("version"));
  let isWanted = false;
  let hasBegun = false;

  /** Between two slips. */
  function load() {
    if (isInHand()) setTimeout(load, LOOK_MS);
    else location.reload();
  }

  mountWorker({
    isBusy: isInHand,
    onReady(begin) {
      chip.hidden = false;
      chip.onclick = () => {
        isWanted = true;
        chip.dataset.wanted = "";
        begin();
        if (hasBegun) load();
      };
    },
    onBegun(isIdle) {
      hasBegun = true;
      chip.hidden = false;
      if (isWanted || isIdle) load();
    },
  });
}
