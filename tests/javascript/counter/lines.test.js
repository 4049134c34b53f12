import assert from "node:assert/strict";
import { test } from "node:test";
import { linesToday, summed, summedBy, thousandthsOf } from "../../../static/js/counter/lines.js";

const DAY = "2026-11-23";
let counted = 0;

/** @param {Record<string, any>} [about] @returns {any} */
function line(about = {}) {
  counted += 1;
  const captured_at = `2026-11-23T05:00:${String(counted).padStart(2, "0")}+05:30`;
  const made = { id: `line-${counted}`, farmer: "raja", flower: "malli", unit: "kg", status: "confirmed" };
  return { ...made, quantity: "1.000", rate: "640.00", amount: "640.00", captured_at, ...about };
}

/** @param {any[]} near the last ones and our own @param {any} lines all of a day @returns {any} */
function known(near, lines) {
  return { book: { linesOf: () => ({ lines: near }) }, reference: { day: { date: DAY }, lines } };
}

test("the sums are whole grams and paise: a thousand small ones come out exact", () => {
  const lines = Array.from({ length: 1000 }, () => line({ quantity: "0.100", amount: "0.10" }));
  assert.deepEqual(summed(lines), {
    lines: 1000,
    grams: 100_000,
    thousandths: 100_000,
    paise: 10_000,
    unpriced: 0,
  });
});

test("what is cancelled counts for nothing, what has no rate for no money, what is counted for no weight", () => {
  const lines = [
    line({ status: "voided" }),
    line({ rate: null, amount: null, quantity: "2.500" }),
    line({ unit: "bundle", quantity: "60.000", amount: "720.00" }),
    line({ quantity: "-1.250", amount: "-800.05" }),
  ];
  const { grams, ...rest } = summed(lines);
  assert.equal(grams, 1250);
  assert.deepEqual(rest, { lines: 3, thousandths: 61_250, paise: -8005, unpriced: 1 });
});

test("groups come the largest amount first, without those of which nothing stands", () => {
  const lines = [
    line({ farmer: "selvi", amount: "100.00" }),
    line({ farmer: "raja", amount: "250.50" }),
    line({ farmer: "selvi", amount: "200.00" }),
    line({ farmer: "mani", status: "voided" }),
  ];
  assert.deepEqual(
    summedBy(lines, ({ farmer }) => farmer).map(([who, { lines: count, paise }]) => [who, count, paise]),
    [
      ["selvi", 2, 30_000],
      ["raja", 1, 25_050],
    ],
  );
});

test("the whole day is what was said last of each line, the newest first; another day's list is nothing", () => {
  const [first, second, third] = [line(), line(), line()];
  const corrected = { ...second, quantity: "9.000", kept: "queued" };
  const all = [second, first];
  const found = linesToday(known([third, corrected], { at: "", date: DAY, all }));
  assert.deepEqual(found, [third, corrected, first]);
  assert.deepEqual(linesToday(known([third], { at: "", date: "2026-11-22", all })), [third]);
  assert.deepEqual(linesToday(known([third], null)), [third]);
});

test("a figure as it is sent is thousandths, below zero too", () => {
  assert.deepEqual(["12.500", "-0.125", "60"].map(thousandthsOf), [12_500, -125, 60_000]);
});
