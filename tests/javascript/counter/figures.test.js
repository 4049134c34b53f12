import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amountOf,
  countOf,
  gramsOf,
  grouped,
  paiseOf,
  plain,
  quantityOf,
  rupees,
  sentMoney,
  sentQuantity,
  shown,
} from "../../../static/js/counter/figures.js";

test("comma, point, Tamil digits and no point at all are the same weight (trap 1)", () => {
  for (const text of ["12,5", "12.5", "௧௨.௫", "௧௨,௫", " 12.500 ", "12.50"]) {
    assert.equal(gramsOf(text), 12_500, text);
  }
  assert.equal(gramsOf("12"), 12_000);
  assert.equal(gramsOf("12."), 12_000);
  assert.equal(gramsOf(".5"), 500);
  assert.equal(gramsOf("0.001"), 1);
});

test("a pasted 1,250 is a kilo and a quarter, never a thousand (trap 1)", () => {
  assert.equal(gramsOf("1,250"), 1250);
});

test("what cannot be a weight is none", () => {
  for (const text of [
    "",
    ".",
    ",",
    "1,250.5",
    "1.2.3",
    "-4",
    "+4",
    "1e3",
    "12kg",
    "1 2",
    "0x10",
    "12.3456",
    "99999999",
  ]) {
    assert.equal(gramsOf(text), null, text);
  }
  assert.equal(gramsOf("9999999.999"), 9_999_999_999);
});

test("a count has no decimals and no separators", () => {
  assert.equal(countOf("60"), 60_000);
  assert.equal(countOf("௬௦"), 60_000);
  for (const text of ["", "60.5", "1,250", "60.", "-1"]) assert.equal(countOf(text), null, text);
  assert.equal(quantityOf("12.5", "piece"), null);
  assert.equal(quantityOf("12", "bundle"), 12_000);
  assert.equal(quantityOf("12.5", "kg"), 12_500);
});

test("in rupees a comma groups where it can, and is decimal where it cannot", () => {
  assert.equal(paiseOf("640"), 64_000);
  assert.equal(paiseOf("640.00"), 64_000);
  assert.equal(paiseOf("640,5"), 64_050);
  assert.equal(paiseOf("1,450"), 145_000);
  assert.equal(paiseOf("1,23,456.50"), 12_345_650);
  assert.equal(paiseOf("123,456.50"), 12_345_650);
  assert.equal(paiseOf("௬௪௦"), 64_000);
  assert.equal(paiseOf(".05"), 5);
  for (const text of ["", ".", "1,2,3", "12,34,5", "1.234", "640.5.0", "-1", "₹640"]) {
    assert.equal(paiseOf(text), null, text);
  }
});

test("amounts are rounded as the server does, half away from zero", () => {
  // quantity × rate as `select round(q * r, 2)` answers.
  for (const [grams, paise, amount] of [
    [12_500, 64_000, 800_000],
    [250, 129_990, 32_498], // 324.975
    [1, 500, 1], // 0.005
    [1, 499, 0], // 0.00499
    [3, 4990, 15], // 0.1497
    [8_250, 60_050, 495_413], // 4954.125
    [2_675, 100, 268], // 2.675, which a float makes 2.67
    [1_005, 100, 101], // 1.005, likewise
    [60_000, 500, 30_000],
    [0, 64_000, 0],
    [-250, 129_990, -32_498],
    [-1, 500, -1],
    [9_999_999_999, 9_999_999, 99_999_989_990_000],
  ]) {
    assert.equal(amountOf(grams, paise), amount, `${grams} × ${paise}`);
  }
});

test("sizes a float cannot hold are still exact, and what the book cannot hold is none", () => {
  // 9,007,199.255 kg × ₹99,999.99: the product has 17 digits.
  assert.equal(amountOf(9_007_199_255, 9_999_999), 90_071_983_542_801);
  assert.equal(amountOf(9_999_999_999, 99_999_999), null);
});

test("amounts agree with exact arithmetic on many sizes", () => {
  let seed = 42;
  const next = (/** @type {number} */ below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 2000; round += 1) {
    const grams = next(200_000);
    const paise = next(700_000);
    const exact = grams * paise; // below 2^53
    const expected = Math.floor(exact / 1000) + (exact % 1000 >= 500 ? 1 : 0);
    assert.equal(amountOf(grams, paise), expected, `${grams} × ${paise}`);
  }
});

test("grouping is Indian", () => {
  for (const [whole, text] of /** @type {[number, string][]} */ ([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [123_456, "1,23,456"],
    [1_234_567, "12,34,567"],
    [12_345_678, "1,23,45,678"],
    [-123_456, "−1,23,456"],
  ])) {
    assert.equal(grouped(whole), text);
  }
});

test("figures are shown and sent to the last gram and paisa", () => {
  assert.equal(rupees(800_000), "8,000.00");
  assert.equal(rupees(800_000, true), "8,000");
  assert.equal(rupees(800_005, true), "8,000.05");
  assert.equal(shown(12_500, "kg"), "12.500");
  assert.equal(shown(1_234_567_005, "kg"), "12,34,567.005");
  assert.equal(shown(60_000, "bundle"), "60");
  assert.equal(sentQuantity(12_005), "12.005");
  assert.equal(sentQuantity(500), "0.500");
  assert.equal(sentMoney(64_005), "640.05");
});

test("what is plain to type reads back as the same", () => {
  assert.equal(plain(12_500), "12.5");
  assert.equal(plain(8_000), "8");
  assert.equal(plain(20_000), "20");
  assert.equal(plain(12_050), "12.05");
  assert.equal(plain(500), "0.5");
  for (const grams of [1, 10, 100, 1000, 10_010, 120_300]) assert.equal(gramsOf(plain(grams)), grams);
});
