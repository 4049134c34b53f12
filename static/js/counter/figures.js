/**
 * Figures as people type them, as we count with them, and as they are shown and sent.
 *
 * A quantity is an integer in thousandths of its unit: grams of a weight, and 60 bundles are
 * 60000. Money is integer paise. Text that cannot be a figure is null, never a guess.
 *
 * @typedef {"kg" | "bundle" | "piece" | "bag"} Unit
 */

const MOST_THOUSANDTHS = 9_999_999_999;
const MOST_PAISE = 99_999_999_999_999;
/** ௦ to ௯. */
const TAMIL_DIGIT = /[\u0BE6-\u0BEF]/g;

/** @param {string} text @returns {string} with Western digits and without spaces around */
export function westernDigits(text) {
  return text.replace(TAMIL_DIGIT, (digit) => String(digit.charCodeAt(0) - 0x0be6)).trim();
}

/**
 * A weight in kilograms as typed or pasted. Comma and point are both decimal, never thousands:
 * `12,5` is 12.500 kg and `1,250` is 1.250 kg.
 *
 * @param {string} text @returns {number | null} grams, at most 9,999,999.999 kg
 */
export function gramsOf(text) {
  const parts = /^(\d*)(?:[.,](\d{0,3}))?$/.exec(westernDigits(text));
  if (!parts || !(parts[1] || parts[2])) return null;
  return within(Number(parts[1]) * 1000 + Number((parts[2] ?? "").padEnd(3, "0")), MOST_THOUSANDTHS);
}

/** A count as typed: digits only. @param {string} text @returns {number | null} thousandths: 60 is 60000 */
export function countOf(text) {
  const digits = westernDigits(text);
  return /^\d+$/.test(digits) ? within(Number(digits) * 1000, MOST_THOUSANDTHS) : null;
}

/** @param {string} text @param {Unit} unit @returns {number | null} thousandths of the unit */
export function quantityOf(text, unit) {
  return unit === "kg" ? gramsOf(text) : countOf(text);
}

/**
 * Rupees as typed, pasted or received. Here a comma groups when it can (`1,450` and `1,23,456.50`);
 * one with one or two digits behind it is decimal (`12,5`).
 *
 * @param {string} text @returns {number | null} paise
 */
export function paiseOf(text) {
  const typed = westernDigits(text);
  const decimal = typed.replace(/^(\d*),(\d{0,2})$/, "$1.$2");
  const whole = decimal.replace(/^(\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3})(?=\.|$)/, (grouped) =>
    grouped.replaceAll(",", ""),
  );
  const parts = /^(\d*)(?:\.(\d{0,2}))?$/.exec(whole);
  if (!parts || !(parts[1] || parts[2])) return null;
  return within(Number(parts[1]) * 100 + Number((parts[2] ?? "").padEnd(2, "0")), MOST_PAISE);
}

/** @param {number} figure @param {number} most */
function within(figure, most) {
  return figure <= most ? figure : null;
}

/**
 * What a quantity costs, as the server's `round(quantity * rate, 2)`: halves away from zero.
 *
 * @param {number} quantity thousandths of the unit @param {number} rate paise per unit
 * @returns {number | null} paise; null where the book could not hold it
 */
export function amountOf(quantity, rate) {
  const product = BigInt(quantity) * BigInt(rate);
  const half = product < 0n ? -500n : 500n;
  const paise = (product + half) / 1000n;
  return paise <= MOST_PAISE && paise >= -MOST_PAISE ? Number(paise) : null;
}

/** 123456 → `1,23,456`. @param {number} whole an integer @returns {string} */
export function grouped(whole) {
  const digits = String(Math.abs(whole));
  const head = digits.slice(0, -3).replace(/\B(?=(\d\d)+$)/g, ",");
  return (whole < 0 ? "−" : "") + (head ? `${head},` : "") + digits.slice(-3);
}

/** 800000 → `8,000.00`; with `short`, `8,000` where there are no paise. @param {number} paise @param {boolean} [short] */
export function rupees(paise, short = false) {
  const sign = paise < 0 ? "−" : "";
  const rest = Math.abs(paise) % 100;
  const whole = grouped((Math.abs(paise) - rest) / 100);
  return sign + (short && rest === 0 ? whole : `${whole}.${String(rest).padStart(2, "0")}`);
}

/** To show: 12500 kg → `12.500`, 60000 bundles → `60`. @param {number} quantity thousandths @param {Unit} unit */
export function shown(quantity, unit) {
  const rest = quantity % 1000;
  const whole = grouped((quantity - rest) / 1000);
  return unit === "kg" ? `${whole}.${String(rest).padStart(3, "0")}` : whole;
}

/** To type on or to read quickly: 12500 → `12.5`, 8000 → `8`. @param {number} quantity thousandths */
export function plain(quantity) {
  const rest = quantity % 1000;
  const whole = String((quantity - rest) / 1000);
  return rest ? `${whole}.${String(rest).padStart(3, "0").replace(/0+$/, "")}` : whole;
}

/** To send: 12500 → `12.500`. @param {number} quantity thousandths */
export function sentQuantity(quantity) {
  return `${Math.trunc(quantity / 1000)}.${String(quantity % 1000).padStart(3, "0")}`;
}

/** To send: 64000 → `640.00`. @param {number} paise */
export function sentMoney(paise) {
  return `${Math.trunc(paise / 100)}.${String(paise % 100).padStart(2, "0")}`;
}
