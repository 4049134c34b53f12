import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { draft, forgetDraft, keepDraft } from "../../../static/js/counter/draft.js";
import { after, EARLY, savedLine, stall, typed } from "./stall.js";

const world = stall();
/** @type {any} */
const KUMAR = { user: { id: "kumar" }, shopId: "shop-1", day: null };

/** @type {Map<string, string>} */
const drawer = new Map();
Object.defineProperty(globalThis, "sessionStorage", {
  configurable: true,
  value: {
    getItem: (/** @type {string} */ key) => drawer.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ text) => drawer.set(key, text),
    removeItem: (/** @type {string} */ key) => drawer.delete(key),
  },
});
beforeEach(() => drawer.clear());

const line = savedLine(typed(world, "20712½", "save"));
const reason = /** @type {const} */ ({ type: "setReason", reason: "wet" });

test("a slip outlives its page, with its rate looked up again", () => {
  const slip = typed(world, "20712.", "rate", "700", reason, "rate");
  keepDraft(KUMAR, slip, world);
  const back = draft(KUMAR, world);
  assert.deepEqual(
    [back?.farmer, back?.flower, back?.weight, back?.ring],
    ["raja", "jasmine", "12.", "weight"],
  );
  assert.deepEqual([back?.rate, back?.rateText, back?.reason], [64_000, "700", "wet"]);
  assert.deepEqual(back?.band, slip.band);
});

test("digits of the next farmer do not lengthen the weight of a whole slip that came back", () => {
  keepDraft(KUMAR, typed(world, "20712½"), world);
  const back = draft(KUMAR, world);
  assert.equal(back?.ring, "save");
  assert.equal(back && after(back, world, "318").weight, "12.5");
});

test("no money and no name lies in the drawer", () => {
  const done = { line: { ...line, rate: 70_000 }, version: 1, amount: 812_345 };
  const slip = {
    ...typed(world, "20712½"),
    done: [done],
    tried: { ...line, quoted: 64_000, amount: 812_345 },
  };
  keepDraft(KUMAR, slip, world);
  const kept = JSON.parse(drawer.get("malar.slip") ?? "");
  assert.doesNotMatch(JSON.stringify(kept), /812345|64000|70000/);
  const day = { last: [{ id: line.id, amount: "8123.45" }] };
  const back = draft({ ...KUMAR, day: /** @type {any} */ (day) }, world);
  assert.deepEqual([back?.done[0].amount, back?.done[0].version], [812_345, 1]);
});

test("only what was sent keeps its key: a doubled tab has the same drawer", () => {
  const slip = typed(world, "20712½");
  keepDraft(KUMAR, slip, world);
  assert.notEqual(draft(KUMAR, world)?.id, slip.id);
  keepDraft(KUMAR, { ...slip, tried: line }, world);
  assert.equal(draft(KUMAR, world)?.id, slip.id);
  assert.equal(draft(KUMAR, world)?.tried?.at, EARLY);
});

test("yesterday's slip is gone, unless it is not certain that it arrived", () => {
  const tomorrow = stall({ now: EARLY + 86_400_000 });
  const slip = typed(world, "20712½");
  keepDraft(KUMAR, slip, world);
  assert.equal(draft(KUMAR, tomorrow), null);
  keepDraft(KUMAR, { ...slip, tried: line }, world);
  assert.equal(draft(KUMAR, tomorrow)?.id, slip.id);
});

test("somebody else does not get it, and it is thrown away", () => {
  for (const other of [
    { ...KUMAR, user: { id: "devi" } },
    { ...KUMAR, shopId: "shop-2" },
  ]) {
    keepDraft(KUMAR, typed(world, "20712½"), world);
    assert.equal(draft(other, world), null);
    assert.equal(drawer.size, 0);
  }
  keepDraft(KUMAR, typed(world, "20712½"), world);
  forgetDraft();
  assert.equal(draft(KUMAR, world), null);
});

test("rubbish in the drawer is no slip", () => {
  drawer.set("malar.slip", "{");
  assert.equal(draft(KUMAR, world), null);
});
