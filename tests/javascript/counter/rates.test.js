import assert from "node:assert/strict";
import { test } from "node:test";
import {
  businessDate,
  clockOffset,
  marketTime,
  rateAt,
  sentMoment,
  slotAt,
} from "../../../static/js/counter/rates.js";

/** @param {string} time in the market, on the 23rd */
const at = (time) => Date.parse(`2026-11-23T${time}+05:30`);
const SLOTS = [
  { id: "dawn", name_ta: "அதிகாலை", name_en: "Dawn", start: "04:00", end: "06:00" },
  { id: "morning", name_ta: "காலை", name_en: "Morning", start: "06:00", end: "09:30" },
];
const LAST_WEEK = Date.parse("2026-11-16T04:00+05:30");
const SLOT_RATES = [
  { flower: "jasmine", slot: "dawn", paise: 64_000, from: LAST_WEEK },
  { flower: "jasmine", slot: "morning", paise: 60_000, from: LAST_WEEK },
];

/** @param {import("../../../static/js/counter/rates.js").Rate[]} rates @param {number} [turnoverHour] */
const known = (rates, turnoverHour = 0) => ({ rates, slots: SLOTS, turnoverHour });

test("the time is the market's wherever the device thinks it is", () => {
  for (const zone of ["America/New_York", "Asia/Kolkata", "Pacific/Auckland"]) {
    process.env.TZ = zone;
    assert.deepEqual(marketTime(at("04:52:00")), { date: "2026-11-23", minutes: 292, time: "4:52" });
    assert.equal(sentMoment(at("04:52:10.123")), "2026-11-23T04:52:10.123+05:30");
  }
});

test("a slot has its start in it and its end not", () => {
  assert.equal(slotAt(SLOTS, at("03:59:59")), null);
  assert.equal(slotAt(SLOTS, at("04:00"))?.id, "dawn");
  assert.equal(slotAt(SLOTS, at("05:59:59.999"))?.id, "dawn");
  assert.equal(slotAt(SLOTS, at("06:00"))?.id, "morning");
  assert.equal(slotAt(SLOTS, at("09:30")), null);
});

test("without a call the slot's rate is in force, outside every slot none", () => {
  assert.equal(rateAt(known(SLOT_RATES), "jasmine", at("05:00")), 64_000);
  assert.equal(rateAt(known(SLOT_RATES), "jasmine", at("06:00")), 60_000);
  assert.equal(rateAt(known(SLOT_RATES), "jasmine", at("12:00")), null);
  assert.equal(rateAt(known(SLOT_RATES), "lotus", at("05:00")), null);
});

test("the last rate called before that moment goes before the slot's", () => {
  const rates = [
    { flower: "jasmine", slot: null, paise: 72_000, from: at("05:20") },
    { flower: "jasmine", slot: null, paise: 70_000, from: at("05:00") },
    ...SLOT_RATES,
  ];
  assert.equal(rateAt(known(rates), "jasmine", at("04:59")), 64_000);
  assert.equal(rateAt(known(rates), "jasmine", at("05:00")), 70_000);
  assert.equal(rateAt(known(rates), "jasmine", at("12:00")), 72_000);
});

test("what was called yesterday is over at the turn of the business day", () => {
  const rates = [
    { flower: "jasmine", slot: null, paise: 70_000, from: Date.parse("2026-11-22T23:00+05:30") },
  ];
  assert.equal(rateAt(known(rates), "jasmine", at("01:30")), null);
  assert.equal(rateAt(known(rates, 2), "jasmine", at("01:30")), 70_000);
  assert.equal(rateAt(known(rates, 2), "jasmine", at("02:00")), null);
  assert.equal(businessDate(at("01:30"), 2), "2026-11-22");
});

test("the device's clock is put right by the middle of the journey", () => {
  assert.equal(clockOffset("2026-11-23T04:52:00+05:30", at("04:50:00"), at("04:50:02")), 119_000);
});
