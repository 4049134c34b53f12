import assert from "node:assert/strict";
import test from "node:test";

// Modules of the page: it has no elements here.
Object.assign(globalThis, {
  self: globalThis,
  document: { getElementById: () => null, documentElement: { lang: "en" } },
});
const { periodIn, periodsAt } = await import("../../../static/js/counter/settlement.js");

test("a week goes from Monday to Sunday, whatever day it is", () => {
  for (const [day, monday, before] of [
    ["2026-11-23", "2026-11-23", "2026-11-22"],
    ["2026-11-28", "2026-11-23", "2026-11-22"],
    ["2026-11-29", "2026-11-23", "2026-11-22"],
    ["2026-03-01", "2026-02-23", "2026-02-22"],
  ]) {
    const { last_week, this_week } = periodsAt(day);
    assert.deepEqual(this_week, { period_start: monday, period_end: day });
    assert.equal(last_week.period_end, before);
    assert.equal(Date.parse(monday) - Date.parse(last_week.period_start), 7 * 86_400_000);
  }
});

test("a month begins on its first day and goes as far as today", () => {
  assert.deepEqual(periodsAt("2026-03-01").this_month, {
    period_start: "2026-03-01",
    period_end: "2026-03-01",
  });
  assert.equal(periodIn(periodsAt("2026-11-28").this_month), "01/11–28/11");
});
