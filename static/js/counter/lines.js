/**
 * The lines of today as far as this tablet knows them, and what they come to: in whole grams and paise.
 *
 * @typedef {import("./book.js").KeptLine} KeptLine
 * @typedef {object} Sum
 * @property {number} lines
 * @property {number} grams of what is weighed
 * @property {number} thousandths of whatever unit it is in
 * @property {number} paise
 * @property {number} unpriced lines without a rate: they are in no amount
 */
import { gramsOf, paiseOf } from "./figures.js";

/**
 * The last ones and those that are only here, then what the server said when somebody looked at the whole day.
 *
 * @param {{book: import("./book.js").Book, reference: import("./ref.js").Reference}} known
 * @returns {KeptLine[]} newest first
 */
export function linesToday({ book, reference: { day, lines } }) {
  const near = book.linesOf(day).lines;
  const ids = new Set(near.map(({ id }) => id));
  const earlier = lines && lines.date === day?.date ? lines.all.filter(({ id }) => !ids.has(id)) : [];
  const moment = (/** @type {KeptLine} */ { captured_at }) => Date.parse(captured_at);
  return [...near, ...earlier].sort((one, other) => moment(other) - moment(one));
}

/** Cancelled ones count for nothing. @param {KeptLine[]} lines @returns {Sum} */
export function summed(lines) {
  const sum = { lines: 0, grams: 0, thousandths: 0, paise: 0, unpriced: 0 };
  for (const { status, quantity, unit, amount } of lines) {
    if (status === "voided") continue;
    sum.lines += 1;
    sum.thousandths += thousandthsOf(quantity);
    if (unit === "kg") sum.grams += thousandthsOf(quantity);
    if (amount === null) sum.unpriced += 1;
    else sum.paise += signed(amount, paiseOf);
  }
  return sum;
}

/**
 * @param {KeptLine[]} lines @param {(line: KeptLine) => string} key
 * @returns {[string, Sum][]} the largest amount first; without those of which nothing stands
 */
export function summedBy(lines, key) {
  /** @type {Map<string, KeptLine[]>} */
  const groups = new Map();
  for (const line of lines) groups.set(key(line), [...(groups.get(key(line)) ?? []), line]);
  return [...groups]
    .map(([name, group]) => /** @type {[string, Sum]} */ ([name, summed(group)]))
    .filter(([, { lines: standing }]) => standing > 0)
    .sort(([, one], [, other]) => other.paise - one.paise);
}

/** @param {string} quantity as it is sent */
export function thousandthsOf(quantity) {
  return signed(quantity, gramsOf);
}

/** What is taken back is below zero. @param {string} text @param {(text: string) => number | null} read */
function signed(text, read) {
  const size = read(text.replace("-", "")) ?? 0;
  return text.startsWith("-") ? -size : size;
}
