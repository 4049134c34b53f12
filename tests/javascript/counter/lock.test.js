import assert from "node:assert/strict";
import { test } from "node:test";

// Modules of the page: it has no elements here.
Object.assign(globalThis, {
  self: globalThis,
  document: { getElementById: () => null, documentElement: { lang: "en" } },
});
const { isIdle, MOST_WRONG, waitAfter, waitUntil } = await import("../../../static/js/counter/lock.js");
const { isRight, keepPin, pinOf } = await import("../../../static/js/counter/pin.js");
const { Verified } = await import("../../../static/js/counter/verified.js");

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** @param {number} mono minutes since the last touch, by our clock @param {number} wall by the wall's @param {number | null} elsewhere minutes since another tab was touched; null: locked there */
function idle(mono, wall, hasPin = true, elsewhere = /** @type {number | null} */ (wall)) {
  const now = { mono: 1e6, wall: 1e12 };
  const touched = {
    mono: now.mono - mono * MINUTE,
    wall: now.wall - wall * MINUTE,
    elsewhere: elsewhere === null ? 0 : now.wall - elsewhere * MINUTE,
  };
  return isIdle(touched, now, hasPin);
}

test("five minutes without a finger, and not before", () => {
  assert.deepEqual(
    [idle(4.9, 4.9), idle(5, 5), idle(4.9, 4.9, false), idle(5, 5, false)],
    [false, true, false, true],
  );
});

test("asleep our own clock stands still: with a PIN the wall's counts too, without one it may have been set", () => {
  assert.deepEqual([idle(1, 60), idle(1, 60, false)], [true, false]);
});

test("a clock that was set back keeps nothing open", () => {
  assert.deepEqual([idle(6, -600), idle(6, -600, false)], [true, true]);
});

test("what another tab has seen counts, and what it has locked", () => {
  assert.deepEqual(
    [idle(20, 20, true, 1), idle(20, 20, true, 6), idle(20, 20, true, -6)],
    [false, true, true],
  );
  assert.equal(idle(0, 0, true, null), true);
});

test("each wrong one takes longer, and a clock that is set back no longer than that", () => {
  const waits = Array.from({ length: MOST_WRONG - 1 }, (_, place) => waitAfter(place + 1));
  assert.deepEqual(waits, [2000, 4000, 8000, 16_000]);
  assert.equal(waitUntil({ count: 3, until: 9000 }, 5000), 9000);
  assert.equal(waitUntil({ count: 3, until: 900_000 }, 5000), 13_000);
});

/** A tablet's own store. */
function drawer() {
  /** @type {Map<string, any>} */
  const rows = new Map();
  return {
    rows,
    get: async (/** @type {string} */ key) => rows.get(key),
    put: async (/** @type {any} */ row, /** @type {string} */ key) => rows.set(key, row),
  };
}

test("the tablet knows its PIN again, and keeps a salted hash for each person", async () => {
  const device = drawer();
  await keepPin(device, "kumar", "2580", "pin-1");
  await keepPin(device, "meena", "2580", "pin-2");
  const [his, hers] = [await pinOf(device, "kumar"), await pinOf(device, "meena")];
  assert.ok(his && hers);
  assert.deepEqual([await isRight(his, "2580"), await isRight(his, "2581")], [true, false]);
  assert.equal(his.id, "pin-1");
  assert.notEqual(his.salt, hers.salt);
  assert.notEqual(his.hash, hers.hash);
  assert.ok(his.rounds >= 600_000);
  assert.doesNotMatch(JSON.stringify([...device.rows]), /2580/);
  assert.equal(await pinOf(device, "raja"), null);
});

const MOST = 18 * HOUR;

/** A tablet the server spoke to at `said`, epoch ms. @param {number} said @param {ReturnType<typeof drawer>} [device] */
function tablet(said, device = drawer()) {
  const reference = {
    csrf: "token",
    isReachable: true,
    asOf: new Date(said).toISOString(),
    user: { id: "kumar" },
    time: said,
    now: () => reference.time,
  };
  const clock = { mono: 0 };
  const verified = new Verified(/** @type {any} */ (reference), device, MOST, () => clock.mono);
  const pass = (/** @type {number} */ ms, wall = ms) => {
    clock.mono += ms;
    reference.time += wall;
  };
  return { reference, verified, pass, device };
}

test("eighteen hours after the server last spoke it is over, until it speaks again", async () => {
  const { reference, verified, pass } = tablet(1e12);
  await verified.begin();
  reference.isReachable = false;
  pass(MOST);
  assert.equal(verified.isOver, false);
  pass(1000);
  assert.equal(verified.isOver, true);
  reference.isReachable = true;
  verified.look();
  assert.equal(verified.isOver, false);
});

test("a clock that is set back gives no more time, in this page or the next", async () => {
  const { reference, verified, pass, device } = tablet(1e12);
  await verified.begin();
  reference.isReachable = false;
  pass(17 * HOUR);
  verified.look();
  pass(2 * HOUR, -100 * HOUR);
  assert.equal(verified.isOver, true);
  await verified.keep();
  const next = tablet(1e12, device);
  Object.assign(next.reference, { isReachable: false, csrf: "" });
  assert.equal(next.verified.isOver, false);
  await next.verified.begin();
  assert.equal(next.verified.isOver, true);
});

test("a clock that was set forward is forgotten when the server says the time", async () => {
  const { reference, verified, pass } = tablet(1e12);
  await verified.begin();
  reference.isReachable = false;
  pass(MINUTE, 48 * HOUR);
  assert.equal(verified.isOver, true);
  reference.time = 1e12 + MINUTE;
  reference.isReachable = true;
  verified.look();
  reference.isReachable = false;
  pass(17 * HOUR);
  assert.equal(verified.isOver, false);
});

test("what is kept says that the server has spoken, of this person only", async () => {
  const { verified, device } = tablet(1e12);
  device.rows.set("session", { user: { id: "kumar" }, at: 5 });
  await verified.begin();
  await new Promise((go) => setImmediate(go));
  assert.ok(device.rows.get("session").at > 5);
  device.rows.set("session", { user: { id: "meena" }, at: 5 });
  await verified.keep();
  assert.equal(device.rows.get("session").at, 5);
});
