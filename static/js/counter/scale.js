/**
 * The scale beside the screen: what its lines say, when a reading stands, and when it may fill.
 *
 * After every sack or line that was taken it must have seen zero before it fills again: what still lies on
 * it is the sack before (Odoo's rule).
 *
 * @typedef {"none" | "lost" | "waiting_zero" | "moving" | "steady"} ScaleState
 * @typedef {{state: ScaleState, quantity: number}} Reading grams last read
 */
import { gramsOf } from "./figures.js";

const STEADY_MS = 500;
const SILENT_MS = 2000;
/** Drops of water on the pan. */
const ZERO_GRAMS = 20;
/** Marks, sign, figure, unit, and what some scales put behind. */
const LINE = /^\s*((?:[A-Z]{1,2}[\s,]+)*)([+-]?)\s*(\d+(?:[.,]\d{1,4})?)\s*(kg|g|)\s*(?:[GN]|GS|NT)?\s*$/i;
const NOT_PRINTED = /[^ -~]/g;

/**
 * One line of the usual protocols: `ST,GS,+  12.500kg`, `US,NT,-0.005 kg`, `S D     12.50 kg`, `ST,+00012.78  g`,
 * or only the figure.
 *
 * @param {string} line
 * @returns {{grams: number, moving: boolean} | null} null: no weight in it, an overload, or another unit
 */
export function parseLine(line) {
  const parts = LINE.exec(line.replace(NOT_PRINTED, " "));
  if (!parts) return null;
  const [, head, sign, figure, unit] = parts;
  const marks = head.toUpperCase().split(/[\s,]+/);
  if (marks.includes("OL")) return null;
  const [whole, decimals = ""] = figure.split(/[.,]/);
  // Grams count only as whole ones, kilograms to the gram.
  const kept = decimals.slice(0, unit.toLowerCase() === "g" ? 0 : 3);
  const grams = unit.toLowerCase() === "g" ? Number(whole) : gramsOf(`${whole}.${kept}`);
  if (grams === null) return null;
  return {
    grams: sign === "-" ? 0 - grams : grams,
    moving: marks.includes("US") || (marks[0] === "S" && marks[1] === "D"),
  };
}

/** Listens to lines and says what may be believed. */
export class Scale {
  #isThere = false;
  #mustEmpty = false;
  #grams = 0;
  #since = 0;
  #heard = -Infinity;
  #moving = true;

  /** @param {() => number} now ms that only go forward */
  constructor(now = () => performance.now()) {
    this.now = now;
  }

  /** @param {string} line */
  read(line) {
    const weight = parseLine(line);
    if (!weight) return;
    const now = this.now();
    const gap = !this.#isThere || now - this.#heard > SILENT_MS;
    this.#isThere = true;
    if (gap || weight.grams !== this.#grams || weight.moving) this.#since = now;
    this.#grams = weight.grams;
    this.#moving = weight.moving;
    this.#heard = now;
    if (Math.abs(weight.grams) <= ZERO_GRAMS) this.#mustEmpty = false;
  }

  /** The port closed or the cable is out. */
  lose() {
    this.#heard = -Infinity;
  }

  /** What lies on it was taken into a line or a sack. */
  taken() {
    this.#mustEmpty = true;
  }

  /** @returns {Reading} */
  reading() {
    return { state: this.#state(), quantity: this.#grams };
  }

  /** @returns {ScaleState} */
  #state() {
    if (!this.#isThere) return "none";
    if (this.now() - this.#heard > SILENT_MS) return "lost";
    if (this.#mustEmpty) return "waiting_zero";
    return !this.#moving && this.#heard - this.#since >= STEADY_MS ? "steady" : "moving";
  }
}

/** @returns {boolean} whether this browser can read a scale at all (Web Serial) */
export function canRead() {
  return "serial" in navigator;
}
