/**
 * Which rate is in force, by the market's clock whatever the device's says.
 *
 * @typedef {{id: string, name_ta: string, name_en: string, start: string, end: string}} Slot `04:00` to `05:30`, the end not in it
 * @typedef {{flower: string, slot: string | null, paise: number, from: number}} Rate slot null: called today; from: epoch ms
 */

/** Asia/Kolkata, without summer time ever. */
const OFFSET_MS = 330 * 60_000;

/**
 * A moment as the market says it. @param {number} at epoch ms
 * @returns {{date: string, minutes: number, time: string}} `2026-11-23`, minutes since midnight, `4:52`
 */
export function marketTime(at) {
  const iso = new Date(at + OFFSET_MS).toISOString();
  const time = iso.slice(11, 16);
  return { date: iso.slice(0, 10), minutes: minutesOf(time), time: time.replace(/^0/, "") };
}

/** @param {string} time `04:30`, perhaps with seconds */
function minutesOf(time) {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

/** A moment as it is sent. @param {number} at epoch ms @returns {string} `2026-11-23T04:52:10.123+05:30` */
export function sentMoment(at) {
  return new Date(at + OFFSET_MS).toISOString().replace("Z", "+05:30");
}

/** @template {Slot} S @param {S[]} slots @param {number} at epoch ms @returns {S | null} */
export function slotAt(slots, at) {
  const { minutes } = marketTime(at);
  return slots.find((slot) => minutes >= minutesOf(slot.start) && minutes < minutesOf(slot.end)) ?? null;
}

/** The shop's day a moment belongs to. @param {number} at epoch ms @param {number} turnoverHour @returns {string} `2026-11-23` */
export function businessDate(at, turnoverHour) {
  return marketTime(at - turnoverHour * 3_600_000).date;
}

/**
 * The rate in force: the last called on that business day at or before then, else the slot's.
 *
 * @param {{rates: Rate[], slots: Slot[], turnoverHour: number}} known called rates newest first
 * @param {string} flower @param {number} at epoch ms @returns {number | null} paise per unit
 */
export function rateAt({ rates, slots, turnoverHour }, flower, at) {
  const day = businessDate(at, turnoverHour);
  const called = rates.find(
    (rate) =>
      rate.flower === flower &&
      rate.slot === null &&
      rate.from <= at &&
      businessDate(rate.from, turnoverHour) === day,
  );
  if (called) return called.paise;
  const slot = slotAt(slots, at);
  return slot ? (rates.find((rate) => rate.flower === flower && rate.slot === slot.id)?.paise ?? null) : null;
}

/**
 * How far the server's clock is ahead of this device's: it answered in the middle of the journey.
 *
 * @param {string} serverTime ISO @param {number} sentAt @param {number} receivedAt epoch ms of the device @returns {number} ms
 */
export function clockOffset(serverTime, sentAt, receivedAt) {
  return Math.round(Date.parse(serverTime) - (sentAt + receivedAt) / 2);
}
