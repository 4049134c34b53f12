/**
 * Whether a quantity is to be questioned before it is saved: 12.5 or 125?
 *
 * @typedef {import("./figures.js").Unit} Unit
 * @typedef {{low: number, high: number}} Band thousandths of the unit
 * @typedef {"scale" | "sack" | "high" | "low" | "largest"} Kind
 * @typedef {object} Question
 * @property {Kind} kind
 * @property {number} quantity as typed, thousandths
 * @property {number | null} likely what was probably meant, thousandths; null: no idea, offer to type it again
 * @property {number[]} sacks that make `likely`
 * @property {Band | null} band
 */

/** As BAND_FACTOR in ledger/domain.py. */
const BAND_FACTOR = 3;
const SACK_LIMIT = 120_000;
const ENOUGH = 10;
const REMEMBERED = 20;

/**
 * @param {object} about
 * @param {number[]} about.sacks thousandths
 * @param {Unit} about.unit
 * @param {Band | null} about.band the farmer's usual of this flower
 * @param {number | null} about.largest line of this flower lately, of anybody
 * @param {import("./scale.js").Reading} about.scale
 * @param {(kind: Kind) => boolean} about.asks
 * @returns {Question | null}
 */
export function questionAbout({ sacks, unit, band, largest, scale, asks }) {
  const quantity = total(sacks);
  const last = sacks[sacks.length - 1];
  const reading = unit === "kg" && scale.state === "steady" && scale.quantity > 0 ? scale.quantity : null;
  // What the scale says itself is not doubted.
  if (reading === last && sacks.length === 1) return null;
  /** @type {[Kind, boolean][]} */
  const doubts = [
    ["scale", reading !== null && isFar(last, { low: reading, high: reading })],
    ["high", band !== null && quantity > band.high * BAND_FACTOR],
    ["low", band !== null && quantity * BAND_FACTOR < band.low],
    ["sack", unit === "kg" && Math.max(...sacks) > SACK_LIMIT],
    ["largest", largest !== null && quantity * 2 > largest * 3],
  ];
  if (!doubts.some(([, holds]) => holds)) return null;

  const isLight = band !== null && quantity < band.low;
  const odd = isLight ? Math.min(...sacks) : Math.max(...sacks);
  const shifts = [10, 100, 1000].map((factor) => (isLight ? odd * factor : odd / factor));
  const tries = [
    ...(reading === null ? [] : [[...sacks.slice(0, -1), reading]]),
    ...shifts.map((shift) => sacks.map((sack, place) => (place === sacks.lastIndexOf(odd) ? shift : sack))),
  ];
  const meant = tries.find(
    (others) =>
      others.every(
        (sack) => sack % (unit === "kg" ? 1 : 1000) === 0 && (unit !== "kg" || sack <= SACK_LIMIT),
      ) &&
      (band
        ? total(others) >= band.low && total(others) <= band.high
        : total(others) <= (largest ?? Infinity)),
  );
  // Where it is plain what was meant it is always asked: habit must not switch 12.5 or 125 off.
  const doubt = doubts.find(([kind, holds]) => holds && (meant || asks(kind)));
  if (!doubt) return null;
  return { kind: doubt[0], quantity, likely: meant ? total(meant) : null, sacks: meant ?? sacks, band };
}

/** @param {number} quantity @param {Band} band */
function isFar(quantity, band) {
  return quantity > band.high * BAND_FACTOR || quantity * BAND_FACTOR < band.low;
}

/** @param {number[]} sacks */
function total(sacks) {
  return sacks.reduce((sum, sack) => sum + sack, 0);
}

/** Which answers won on this device: a question that is nearly always answered "right" is not worth asking. */
export class Tally {
  static KEY = "malar.answers";

  /** @param {Pick<Storage, "getItem" | "setItem">} storage */
  constructor(storage) {
    this.storage = storage;
    /** The last answers of each kind, in a row of their first letters. @type {Partial<Record<Kind, string>>} */
    this.answers = {};
    try {
      this.answers = JSON.parse(storage.getItem(Tally.KEY) ?? "{}");
    } catch {
      // Somebody else's text there, or storage refused: count anew.
    }
  }

  /** @param {Kind} kind @returns {boolean} whether it is still asked */
  asks(kind) {
    const answers = this.answers[kind] ?? "";
    return answers.length < ENOUGH || answers.replaceAll("l", "").length <= answers.length * 0.8;
  }

  /** @param {Kind} kind @param {"likely" | "right"} answer */
  count(kind, answer) {
    this.answers[kind] = ((this.answers[kind] ?? "") + answer[0]).slice(-REMEMBERED);
    try {
      this.storage.setItem(Tally.KEY, JSON.stringify(this.answers));
    } catch {
      // Storage full or refused: it counts for this page.
    }
  }
}
