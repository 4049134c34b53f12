import assert from "node:assert/strict";
import { test } from "node:test";
import "../../static/js/theme.js";

/**
 * @typedef {object} Reckoning
 * @property {(now: Date) => string} scheduled
 * @property {(now: Date) => number} nextSwitch
 * @property {(now: Date, kept: string | null) => string} themeAt
 * @property {(now: Date, kept: string | null) => string | null} chosen
 */
const { scheduled, nextSwitch, themeAt, chosen } = /** @type {{ malarTheme: Reckoning }} */ (
  /** @type {unknown} */ (globalThis)
).malarTheme;

/** A moment by the device's clock. @param {number} day @param {number} hour @param {number} minute */
const at = (day, hour, minute) => new Date(2026, 2, day, hour, minute);

test("the tablet is dim from half past six in the evening to a quarter past six in the morning", () => {
  for (const [hour, minute, theme] of [
    [0, 0, "dim"],
    [4, 52, "dim"],
    [6, 14, "dim"],
    [6, 15, "day"],
    [12, 0, "day"],
    [18, 29, "day"],
    [18, 30, "dim"],
    [23, 59, "dim"],
  ]) {
    assert.equal(scheduled(at(6, Number(hour), Number(minute))), theme, `${hour}:${minute}`);
  }
});

test("the next switch is the next quarter past six or half past six that comes", () => {
  assert.equal(nextSwitch(at(6, 4, 52)), at(6, 6, 15).getTime());
  assert.equal(nextSwitch(at(6, 6, 15)), at(6, 18, 30).getTime());
  assert.equal(nextSwitch(at(6, 18, 30)), at(7, 6, 15).getTime());
  assert.equal(nextSwitch(at(31, 23, 59)), new Date(2026, 3, 1, 6, 15).getTime());
});

test("a choice by hand holds until the clock switches, and then no longer", () => {
  const kept = chosen(at(6, 5, 0), null);
  assert.equal(themeAt(at(6, 5, 0), kept), "day");
  assert.equal(themeAt(at(6, 6, 14), kept), "day");
  assert.equal(themeAt(at(6, 18, 31), kept), "dim");
  const noon = chosen(at(6, 12, 0), null);
  assert.equal(themeAt(at(6, 18, 29), noon), "dim");
  assert.equal(themeAt(at(7, 7, 0), noon), "day");
});

test("choosing twice is back on the schedule and keeps nothing", () => {
  const once = chosen(at(6, 12, 0), null);
  assert.equal(themeAt(at(6, 12, 1), once), "dim");
  assert.equal(chosen(at(6, 12, 2), once), null);
});

test("what is kept and makes no sense is no choice", () => {
  for (const kept of [null, "", "dim", "sun 99999999999999", "dim soon", "toString 99999999999999"]) {
    assert.equal(themeAt(at(6, 12, 0), kept), "day", String(kept));
  }
});
