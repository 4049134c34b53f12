/**
 * A stall for the tests: Raja 207 brings jasmine, Selvi 45 has no habits yet, lotus is counted, mullai has no rate.
 *
 * @typedef {import("../../../static/js/counter/slip.js").Slip} Slip
 * @typedef {import("../../../static/js/counter/slip.js").World} World
 * @typedef {import("../../../static/js/counter/slip.js").Key} Key
 * @typedef {import("../../../static/js/counter/slip.js").Happening} Happening
 * @typedef {import("../../../static/js/counter/slip.js").Farmer} Farmer
 * @typedef {import("../../../static/js/counter/slip.js").Flower} Flower
 */
import { businessDate } from "../../../static/js/counter/rates.js";
import { emptySlip, press } from "../../../static/js/counter/slip.js";

/** 4:52 in the market. */
export const EARLY = Date.parse("2026-11-23T04:52:00+05:30");
export const SIX = Date.parse("2026-11-23T06:00:00+05:30");

/** @param {Partial<Flower> & {id: string}} particulars @returns {Flower} */
function flower(particulars) {
  const names = { code: particulars.id, name_ta: "", name_en: "", short_ta: "", short_en: "", glyph: "poo" };
  return { ...names, unit: "kg", position: 1, largest: null, ...particulars };
}

/** @param {Partial<Farmer> & {id: string, number: number}} particulars @returns {Farmer} */
function farmer(particulars) {
  const names = { code: "", name_ta: "", name_en: "", village_ta: "", village_en: "", phone_last4: "" };
  return { ...names, is_active: true, namesakes: false, usual: [], last_seen: null, ...particulars };
}

const FLOWERS = [
  flower({ id: "jasmine", largest: 45_000 }),
  flower({ id: "pichi" }),
  flower({ id: "lotus", unit: "piece" }),
  flower({ id: "mullai" }),
];
const FARMERS = [
  farmer({
    id: "raja",
    number: 207,
    usual: [
      { flower: "jasmine", lines: 30, band: { low: 8000, high: 15_000 } },
      { flower: "mullai", lines: 3, band: null },
    ],
  }),
  farmer({ id: "selvi", number: 45 }),
  farmer({ id: "mani", number: 318, usual: [{ flower: "pichi", lines: 9, band: null }] }),
];
const EARLY_RATES = { jasmine: 64_000, pichi: 50_000, lotus: 500 };
const LATER_RATES = { jasmine: 60_000, pichi: 50_000, lotus: 500 };

/** @param {Partial<World>} [otherwise] @returns {World} */
export function stall(otherwise) {
  return {
    digits: 3,
    farmers: new Map(FARMERS.map((one) => [one.id, one])),
    numbers: new Map(FARMERS.map((one) => [one.number, one])),
    flowers: new Map(FLOWERS.map((one) => [one.id, one])),
    now: EARLY,
    ratesAt: otherwise?.now ?? EARLY,
    dayOf: (at) => businessDate(at, 0),
    rateAt: (id, at) => {
      /** @type {Record<string, number>} */
      const rates = at < SIX ? EARLY_RATES : LATER_RATES;
      return rates[id] ?? null;
    },
    scale: { state: "none", quantity: 0 },
    asks: () => true,
    ...otherwise,
  };
}

/** @type {Record<string, Key>} */
const SIGNS = {
  "¼": "quarter",
  "½": "half",
  "¾": "threequarters",
  "+": "sack",
  "⏎": "enter",
  "*": "star",
  "-": "minus",
  "⌫": "backspace",
};

/** `taps("20712½", "save")`: a key by its name, else text sign by sign. @param {(string | Happening)[]} parts @returns {(Key | Happening)[]} */
export function taps(...parts) {
  const names = new Set(["save", "clear", "undo", "rate", "find", "backspace", "enter"]);
  /** @type {(Key | Happening)[][]} */
  const pressed = parts.map((part) => {
    if (typeof part !== "string") return [part];
    if (names.has(part)) return [/** @type {Key} */ (part)];
    return [...part].map((sign) => SIGNS[sign] ?? /** @type {Key} */ (sign));
  });
  return pressed.flat();
}

/** @param {Slip} slip @param {World} world @param {...(string | Happening)} parts @returns {Slip} */
export function after(slip, world, ...parts) {
  return taps(...parts).reduce((now, key) => press(now, key, world), slip);
}

/** From an empty slip. @param {World} world @param {...(string | Happening)} parts @returns {Slip} */
export function typed(world, ...parts) {
  return after(emptySlip(world), world, ...parts);
}

/** @param {Slip} slip @returns {import("../../../static/js/counter/slip.js").Line} */
export function savedLine(slip) {
  if (slip.effect?.kind !== "save") throw new Error(`not saved: ${JSON.stringify(slip.effect)}`);
  return slip.effect.line;
}

/** @param {string} id @returns {Happening} */
export const farmerTile = (id) => ({ type: "chooseFarmer", farmer: id });
/** @param {string} id @returns {Happening} */
export const flowerTile = (id) => ({ type: "chooseFlower", flower: id });
