/**
 * Rates as they are typed and doubted; the same rules as pricing/domain.py. Money is integer paise.
 */

/** More than half off the known rate. @param {number} rate @param {number} known */
export function isFar(rate, known) {
  return known > 0 && Math.abs(rate - known) * 2 > known;
}

/**
 * The rate that was probably meant: one slip of the finger away and not far from the known one.
 *
 * @param {number} rate @param {number} known @returns {number | null}
 */
export function meantBy(rate, known) {
  for (const [times, by] of [
    [1, 10],
    [10, 1],
    [1, 100],
    [100, 1],
  ]) {
    const meant = (rate * /** @type {number} */ (times)) / /** @type {number} */ (by);
    if (meant > 0 && Number.isInteger(meant) && !isFar(meant, known)) return meant;
  }
  return null;
}

/** A rate moved by steps: of ₹10, of ₹1 below ₹100. @param {number} rate @param {number} steps */
export function stepped(rate, steps) {
  return Math.max(0, rate + steps * (rate < 100_00 ? 1_00 : 10_00));
}

/**
 * What stands in a place after one key of the pad: at most seven digits, one point, two behind it.
 *
 * @param {string} text @param {string} key a digit, "00", "." or "delete" @returns {string}
 */
export function typed(text, key) {
  if (key === "delete") return text.slice(0, -1);
  const next = key === "." && text === "" ? "0." : text + key;
  return /^\d{0,7}(\.\d{0,2})?$/.test(next) ? next : text;
}
