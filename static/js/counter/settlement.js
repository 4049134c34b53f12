/**
 * A farmer is settled from the counter: asked for here, with a network or without, and made by the server once it has
 * all that was written on this tablet before. Owner only.
 *
 * @typedef {import("./sync.js").Hands} Hands
 */
import { faultOf, make, openForm } from "./form.js";
import { farmerOf, numberField, today, whoIs } from "./money.js";
import { say } from "./view.js";

const DAY_MS = 86_400_000;

/** @param {Hands} hands @param {import("./money.js").About} [about] */
export function openSettlement(hands, { row } = {}) {
  const id = row?.id ?? crypto.randomUUID();
  // Who mends it the next morning means the days that he chose from.
  const day = row?.facts.asked_on ?? today(hands);
  const isSunday = new Date(day).getUTCDay() === 0;
  const periods = periodsAt(day);
  const before = Object.keys(periods).find((name) => periods[name].period_start === row?.facts.period_start);
  return openForm({
    title: say("settle_title"),
    fields: [
      numberField(hands, row?.facts.farmer),
      {
        name: "period",
        word: say("settle_period"),
        // As in the office: on a Sunday the week is over in the evening, on other days the last whole one is meant.
        value: before ?? (isSunday ? "this_week" : "last_week"),
        choices: Object.entries(periods).map(([name, period]) => [
          name,
          `${say(`settle_${name}`)} ${periodIn(period)}`,
        ]),
      },
    ],
    hints: ({ number }) => ({ number: whoIs(number, hands) }),
    async write({ number, period }) {
      const farmer = farmerOf(number, hands);
      if (!farmer) return { field: "number", text: whoIs(number, hands) };
      if (!hands.book.outbox) return { text: say("settle_office") };
      const set = { farmer: farmer.id, ...periods[period] };
      const entry = { farmer_id: farmer.id, facts: { ...set, asked_on: day }, synced: false };
      return make(hands, { operation: "SETTLEMENT", entity: "settlement", id, set, entry });
    },
    fault: row && faultOf(hands, id),
  });
}

/** @typedef {{period_start: string, period_end: string}} Period both days are in it */

/** The last whole week, this one and this month so far. @param {string} day `2026-11-28` @returns {Record<string, Period>} */
export function periodsAt(day) {
  const now = Date.parse(day);
  const on = (/** @type {number} */ days) => new Date(now - days * DAY_MS).toISOString().slice(0, 10);
  const sinceMonday = (new Date(now).getUTCDay() + 6) % 7;
  return {
    last_week: { period_start: on(sinceMonday + 7), period_end: on(sinceMonday + 1) },
    this_week: { period_start: on(sinceMonday), period_end: day },
    this_month: { period_start: `${day.slice(0, 8)}01`, period_end: day },
  };
}

/** @param {Period} period @returns {string} `23/11–28/11` */
export function periodIn({ period_start, period_end }) {
  const written = (/** @type {string} */ day) => `${day.slice(8)}/${day.slice(5, 7)}`;
  return `${written(period_start)}–${written(period_end)}`;
}
