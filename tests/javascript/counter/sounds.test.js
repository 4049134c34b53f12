import assert from "node:assert/strict";
import { test } from "node:test";
import { keepAwake } from "../../../static/js/counter/awake.js";
import { Sounds } from "../../../static/js/counter/sounds.js";

/** A loudspeaker that writes down what it hears. */
class Loudspeaker {
  state = "suspended";
  currentTime = 10;
  destination = {};
  resumed = 0;
  /** @type {{hertz: number, from: number, to: number}[]} */
  tones = [];

  async resume() {
    this.resumed += 1;
    this.state = "running";
  }

  createOscillator() {
    const tone = { hertz: 0, from: 0, to: 0 };
    this.tones.push(tone);
    return {
      frequency: {
        set value(/** @type {number} */ hertz) {
          tone.hertz = hertz;
        },
      },
      connect: (/** @type {unknown} */ next) => next,
      start: (/** @type {number} */ at) => {
        tone.from = at;
      },
      stop: (/** @type {number} */ at) => {
        tone.to = at;
      },
    };
  }

  createGain() {
    return { gain: { setValueAtTime() {}, linearRampToValueAtTime() {} }, connect() {} };
  }
}

/** @param {(make: () => void) => void} later */
function room(later = (make) => make()) {
  const kept = new Map();
  const speaker = new Loudspeaker();
  /** @type {(number | number[])[]} */
  const felt = [];
  const storage = {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ text) => kept.set(key, text),
  };
  const make = () =>
    new Sounds(
      storage,
      () => /** @type {any} */ (speaker),
      (pattern) => felt.push(pattern),
      (make) => later(make),
    );
  return { make, sounds: make(), speaker, felt };
}

test("nothing sounds before the first tap woke it", () => {
  const { sounds, speaker } = room();
  sounds.play("saved");
  assert.deepEqual(speaker.tones, []);
  sounds.wake();
  assert.equal(speaker.resumed, 1);
  sounds.play("saved");
  assert.equal(speaker.tones.length, 1);
});

test("waking waits until the first key is painted, and is asked for once", () => {
  /** @type {(() => void)[]} */
  const waiting = [];
  const { sounds, speaker } = room((make) => waiting.push(make));
  sounds.wake();
  sounds.wake();
  assert.deepEqual([waiting.length, speaker.resumed], [1, 0]);
  waiting[0]?.();
  assert.equal(speaker.resumed, 1);
});

test("saved is one tick, a question two, failure two low ones", () => {
  const { sounds, speaker, felt } = room();
  sounds.wake();
  for (const sound of /** @type {const} */ (["saved", "sent", "question", "failure"])) sounds.play(sound);
  const heard = speaker.tones.map(({ hertz, from, to }) => [hertz, Math.round((to - from) * 1000)]);
  assert.deepEqual(heard, [
    [1320, 70],
    [1760, 50],
    [880, 90],
    [880, 90],
    [240, 180],
    [240, 180],
  ]);
  assert.deepEqual(felt, [30, [50, 60, 50]]);
});

test("off is off, after a reload too, and the touch stays", () => {
  const { make, sounds, speaker, felt } = room();
  sounds.volume = 0;
  const later = make();
  assert.equal(later.volume, 0);
  later.wake();
  later.play("saved");
  assert.deepEqual(speaker.tones, []);
  assert.deepEqual(felt, [30]);
});

test("a device without audio is silent, not broken", () => {
  const sounds = new Sounds(
    { getItem: () => null, setItem: () => {} },
    () => {
      throw new Error("no audio");
    },
    () => {},
    (make) => make(),
  );
  sounds.wake();
  sounds.play("failure");
  assert.equal(sounds.volume, 0.8);
});

test("the screen is kept on again after every hiding, until it is let go (trap 15)", async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  /** @type {{released: boolean, release: () => void}[]} */
  const locks = [];
  const device = {
    wakeLock: {
      async request() {
        const lock = {
          released: false,
          release: () => {
            lock.released = true;
          },
        };
        locks.push(lock);
        return lock;
      },
    },
  };
  const letGo = keepAwake(/** @type {any} */ (page), /** @type {any} */ (device));
  await Promise.resolve();
  page.visibilityState = "hidden";
  locks[0].released = true;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(locks.length, 1);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  await Promise.resolve();
  assert.equal(locks.length, 2);
  letGo();
  assert.equal(locks[1].released, true);
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(locks.length, 2);
});
