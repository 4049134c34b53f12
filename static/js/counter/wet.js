/**
 * Guards against what water types on glass: ghost touches far from the finger, and a cloth wiping it.
 *
 * @typedef {"ok" | "ghost" | "paused"} Verdict ghost: ignore it and tick; paused: ignore it silently
 */

const GHOST_MS = 30;
const GHOST_PX = 200;
const WIPE_CONTACTS = 3;
const PAUSE_MS = 1000;
const RESTING_MS = 5000;

export class WetGlass {
  /** When each began. @type {Map<number, number>} */
  #contacts = new Map();
  #pausedUntil = -Infinity;
  #last = { at: -Infinity, x: 0, y: 0 };

  /** @param {() => number} now ms that only go forward */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /**
   * Every `pointerdown` of the page, whatever it hits.
   *
   * @param {number} pointer its id @param {number} x @param {number} y CSS pixels
   * @param {number} at when the glass was touched: a busy page hears of two honest taps in the same moment
   * @returns {Verdict}
   */
  down(pointer, x, y, at = this.now()) {
    this.#contacts.set(pointer, at);
    // A resting palm, or a finger whose end was never told, is no cloth.
    const moving = [...this.#contacts.values()].filter((began) => at - began < RESTING_MS);
    if (moving.length >= WIPE_CONTACTS) this.#pausedUntil = at + PAUSE_MS;
    if (at < this.#pausedUntil) return "paused";
    const { at: before, x: left, y: top } = this.#last;
    if (at - before <= GHOST_MS && Math.hypot(x - left, y - top) > GHOST_PX) return "ghost";
    this.#last = { at, x, y };
    return "ok";
  }

  /** Every `pointerup` and `pointercancel`. @param {number} pointer */
  up(pointer) {
    this.#contacts.delete(pointer);
  }

  /** Whether input is paused now: for `click`, which comes after the touch. @returns {boolean} */
  get isPaused() {
    return this.now() < this.#pausedUntil;
  }
}
