/**
 * What the counter says by sound and touch. Oscillators, no files; never the only signal.
 *
 * @typedef {"saved" | "sent" | "question" | "failure" | "tick"} Sound
 */

/** Hz, ms, how often, loudness: 0.25 is −12 dB. @type {Record<Sound, [number, number, number, number]>} */
export const SOUNDS = {
  saved: [1320, 70, 1, 1],
  sent: [1760, 50, 1, 0.25],
  question: [880, 90, 2, 1],
  failure: [240, 180, 2, 1],
  tick: [440, 25, 1, 0.25],
};
/** @type {Partial<Record<Sound, number | number[]>>} */
const TOUCHES = { saved: 30, question: [50, 60, 50] };
const BETWEEN_MS = 60;
const KEY = "malar.volume";

export class Sounds {
  /** @type {AudioContext | null} */
  #context = null;
  #volume = 0.8;
  #isWaking = false;

  /**
   * @param {Pick<Storage, "getItem" | "setItem">} storage
   * @param {() => AudioContext} makeContext
   * @param {(pattern: number | number[]) => void} vibrate
   * @param {(make: () => void) => void} later after the first key is painted: making a context takes a slow
   *   tablet a tenth of a second
   */
  constructor(
    storage,
    makeContext = () => new AudioContext(),
    vibrate = (pattern) => navigator.vibrate?.(pattern),
    later = (make) => requestAnimationFrame(() => setTimeout(make)),
  ) {
    this.storage = storage;
    this.makeContext = makeContext;
    this.vibrate = vibrate;
    this.later = later;
    try {
      const kept = storage.getItem(KEY);
      if (kept !== null && Number(kept) >= 0 && Number(kept) <= 1) this.#volume = Number(kept);
    } catch {
      // Storage refused: the usual volume.
    }
  }

  /** 0 (off) to 1. @returns {number} */
  get volume() {
    return this.#volume;
  }

  set volume(/** @type {number} */ volume) {
    this.#volume = volume;
    try {
      this.storage.setItem(KEY, String(volume));
    } catch {
      // Storage refused: it holds for this page.
    }
  }

  /** First thing in every tap and key: browsers let a page sound only from there. */
  wake() {
    if (this.#context?.state === "running" || this.#isWaking) return;
    this.#isWaking = true;
    this.later(() => {
      this.#isWaking = false;
      try {
        this.#context ??= this.makeContext();
        if (this.#context.state !== "running") this.#context.resume().catch(() => {});
      } catch {
        // No audio on this device.
      }
    });
  }

  /** @param {Sound} sound */
  play(sound) {
    const touch = TOUCHES[sound];
    if (touch) this.vibrate(touch);
    const context = this.#context;
    if (context?.state !== "running" || this.#volume === 0) return;
    const [hertz, ms, times, loudness] = SOUNDS[sound];
    for (let time = 0; time < times; time += 1) {
      const start = context.currentTime + (time * (ms + BETWEEN_MS)) / 1000;
      const end = start + ms / 1000;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.frequency.value = hertz;
      // Cut off at once, a tone clicks.
      gain.gain.setValueAtTime(this.#volume * loudness, start);
      gain.gain.setValueAtTime(this.#volume * loudness, end - 0.01);
      gain.gain.linearRampToValueAtTime(0, end);
      tone.connect(gain).connect(context.destination);
      tone.start(start);
      tone.stop(end);
    }
  }
}
