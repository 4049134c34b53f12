import assert from "node:assert/strict";
import { test } from "node:test";
import { WetGlass } from "../../../static/js/counter/wet.js";

function glass() {
  let now = 0;
  const wet = new WetGlass(() => now);
  let pointer = 0;
  return {
    wet,
    /** A finger that comes and goes. @param {number} ms since the last @param {number} x */
    tap: (ms, x) => {
      now += ms;
      pointer += 1;
      const verdict = wet.down(pointer, x, 0);
      wet.up(pointer);
      return verdict;
    },
    /** A finger that stays. @param {number} ms @param {number} x */
    hold: (ms, x) => {
      now += ms;
      pointer += 1;
      return wet.down(pointer, x, 0);
    },
  };
}

test("two keys within 30 ms more than 200 px apart: the second is water (trap 15)", () => {
  const { tap } = glass();
  assert.equal(tap(0, 0), "ok");
  assert.equal(tap(30, 201), "ghost");
  assert.equal(tap(31, 201), "ok");
});

test("two honest taps that a busy page hears of in the same moment are both heard", () => {
  const wet = new WetGlass(() => 5000);
  assert.equal(wet.down(1, 0, 0, 4000), "ok");
  wet.up(1);
  assert.equal(wet.down(2, 900, 0, 4400), "ok");
});

test("a fast hand on neighbouring keys is no ghost", () => {
  const { tap } = glass();
  assert.equal(tap(0, 0), "ok");
  assert.equal(tap(20, 200), "ok");
  assert.equal(tap(40, 900), "ok");
});

test("three contacts are a cloth: nothing is heard for a second (trap 15)", () => {
  const { hold, tap, wet } = glass();
  assert.equal(hold(0, 0), "ok");
  assert.equal(hold(50, 50), "ok");
  assert.equal(hold(50, 100), "paused");
  assert.equal(wet.isPaused, true);
  for (const pointer of [1, 2, 3]) wet.up(pointer);
  assert.equal(tap(999, 0), "paused");
  assert.equal(tap(1, 0), "ok");
  assert.equal(wet.isPaused, false);
});

test("two thumbs are not a cloth, nor is a palm that rests", () => {
  const { hold } = glass();
  hold(0, 0);
  assert.equal(hold(100, 500), "ok");
  assert.equal(hold(5000, 500), "ok");
});
