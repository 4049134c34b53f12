import assert from "node:assert/strict";
import test from "node:test";
import { isFar, meantBy, stepped, typed } from "../../static/js/behaviours/rate-figures.js";

test("far is more than half off the known rate, as on the server", () => {
  assert.deepEqual(
    [64000, 45000, 44999, 135000, 135001, 0].map((rate) => isFar(rate, 90000)),
    [false, false, true, false, true, true],
  );
  assert.equal(isFar(64000, 0), false);
});

test("a slip of the finger is recognised and nothing else", () => {
  assert.deepEqual(
    [640000, 6400, 6400000, 640].map((rate) => meantBy(rate, 70000)),
    [64000, 64000, 64000, 64000],
  );
  assert.equal(meantBy(200000, 90000), null);
  assert.equal(meantBy(0, 90000), null);
});

test("a slip never ends in parts of a paisa", () => {
  assert.equal(meantBy(5, 5000), null);
  assert.equal(meantBy(1205, 125), null);
});

test("steps are as large as people call them", () => {
  assert.equal(stepped(64000, 1), 65000);
  assert.equal(stepped(1200, -1), 1100);
  assert.equal(stepped(0, -1), 0);
});

test("keys write a rate: seven digits, one point, two behind it", () => {
  const keyed = (/** @type {string[]} */ ...keys) => keys.reduce(typed, "");
  assert.equal(keyed("6", "4", "0"), "640");
  assert.equal(keyed("6", "00", "delete"), "60");
  assert.equal(keyed("1", "2", ".", "5", ".", "0", "5"), "12.50");
  assert.equal(keyed(".", "5"), "0.5");
  assert.equal(keyed("1", "2", "3", "4", "5", "6", "00"), "123456");
  assert.equal(keyed("delete"), "");
});
