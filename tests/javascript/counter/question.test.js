import assert from "node:assert/strict";
import { test } from "node:test";
import { questionAbout, Tally } from "../../../static/js/counter/question.js";

const BAND = { low: 8000, high: 15_000 };
/** @type {import("../../../static/js/counter/scale.js").Reading} */
const NO_SCALE = { state: "none", quantity: 0 };

/** @param {number[]} sacks @param {Partial<Parameters<typeof questionAbout>[0]>} [more] */
function about(sacks, more = {}) {
  return questionAbout({
    sacks,
    unit: "kg",
    band: BAND,
    largest: null,
    scale: NO_SCALE,
    asks: () => true,
    ...more,
  });
}

test("three times his usual is the limit, and itself not asked about (trap 2)", () => {
  assert.equal(about([45_000]), null);
  assert.equal(about([45_001])?.kind, "high");
  assert.equal(about([2667]), null);
  assert.equal(about([2666])?.kind, "low");
  assert.equal(about([12_500]), null);
});

test("the likely weight is the one with the point moved into his band (trap 2)", () => {
  assert.equal(about([115_000])?.likely, 11_500);
  assert.equal(about([1250])?.likely, 12_500);
  assert.equal(about([125])?.likely, 12_500);
  assert.equal(about([50_000])?.likely, null);
});

test("without a band half as much again as the largest line is asked about", () => {
  assert.equal(about([45_000], { band: null, largest: 30_000 }), null);
  const question = about([46_000], { band: null, largest: 30_000 });
  assert.deepEqual([question?.kind, question?.likely], ["largest", 4600]);
  assert.equal(about([46_000], { band: null }), null);
});

test("no sack weighs more than 120 kg", () => {
  assert.equal(about([120_000], { band: null }), null);
  const question = about([125_000], { band: null });
  assert.deepEqual([question?.kind, question?.likely], ["sack", 12_500]);
  assert.equal(about([100_000, 110_000], { band: null }), null);
});

test("nothing is proposed that no sack could weigh", () => {
  const question = about([20_000], { band: { low: 150_000, high: 300_000 } });
  assert.deepEqual([question?.kind, question?.likely], ["low", null]);
});

test("among several sacks the odd one is put right", () => {
  const question = about([6000, 82_500], { band: { low: 12_000, high: 20_000 } });
  assert.deepEqual([question?.kind, question?.likely, question?.sacks], ["high", 14_250, [6000, 8250]]);
});

test("the scale is asked first and believed", () => {
  const scale = /** @type {const} */ ({ state: "steady", quantity: 12_400 });
  const question = about([125_000], { scale });
  assert.deepEqual([question?.kind, question?.likely], ["scale", 12_400]);
  assert.equal(about([12_500], { scale }), null);
  const heavy = /** @type {const} */ ({ state: "steady", quantity: 60_000 });
  assert.equal(about([60_000], { scale: heavy }), null);
  assert.equal(about([60_000], { scale: { ...heavy, state: "moving" } })?.kind, "high");
});

test("what is counted stays whole", () => {
  const question = about([1_255_000], { unit: "piece", band: { low: 100_000, high: 200_000 } });
  assert.deepEqual([question?.kind, question?.likely], ["high", null]);
  const tenfold = about([1_200_000], { unit: "piece", band: { low: 100_000, high: 200_000 } });
  assert.equal(tenfold?.likely, 120_000);
});

/** @returns {Pick<Storage, "getItem" | "setItem">} */
function storage() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
}

test("a question answered right in more than 80 % of ten is not asked any more (trap 2)", () => {
  const kept = storage();
  const tally = new Tally(kept);
  for (let time = 0; time < 9; time += 1) tally.count("high", "right");
  assert.equal(tally.asks("high"), true, "nine are not enough");
  tally.count("high", "likely");
  assert.equal(tally.asks("high"), false, "9 of 10");
  assert.equal(tally.asks("low"), true);
  assert.equal(new Tally(kept).asks("high"), false, "after a reload");
  const settled = { asks: (/** @type {string} */ kind) => kind !== "high" };
  assert.equal(about([50_000], settled), null);
  assert.equal(about([125_000], settled)?.likely, 12_500, "12.5 or 125 is always asked");
});

test("eight of ten is still worth asking", () => {
  const tally = new Tally(storage());
  for (let time = 0; time < 8; time += 1) tally.count("low", "right");
  tally.count("low", "likely");
  tally.count("low", "likely");
  assert.equal(tally.asks("low"), true);
});

test("only the last twenty answers count", () => {
  const tally = new Tally(storage());
  for (let time = 0; time < 40; time += 1) tally.count("high", "right");
  for (let time = 0; time < 4; time += 1) tally.count("high", "likely");
  assert.equal(tally.asks("high"), true, "16 of 20");
  for (let time = 0; time < 17; time += 1) tally.count("high", "right");
  assert.equal(tally.asks("high"), false);
});

test("a storage that refuses or holds rubbish stops nothing", () => {
  const broken = new Tally({
    getItem: () => "{",
    setItem: () => {
      throw new Error("full");
    },
  });
  broken.count("high", "right");
  assert.equal(broken.asks("high"), true);
});
