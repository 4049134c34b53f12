import { amountOf, paiseOf, plain, quantityOf, sentMoney, westernDigits } from "./figures.js";
import { questionAbout } from "./question.js";

/**
 * The slip being filled: one immutable object, and what every key makes of it.
 *
 * `press(slip, key, world)` is the whole of it: it returns the next slip, whose `effect` says what
 * the caller must do besides drawing it. Quantities are in thousandths of the unit, money in paise.
 *
 * @typedef {import("./figures.js").Unit} Unit
 * @typedef {import("./question.js").Question} Question
 * @typedef {import("./question.js").Band} Band
 * @typedef {import("./scale.js").Reading} Reading
 *
 * @typedef {object} Habit what he usually brings of one flower
 * @property {string} flower
 * @property {number} lines
 * @property {Band | null} band null until five lines exist
 *
 * @typedef {object} Farmer
 * @property {string} id
 * @property {number} number
 * @property {string} code
 * @property {string} name_ta
 * @property {string} name_en
 * @property {string} village_ta
 * @property {string} village_en
 * @property {string} phone_last4
 * @property {boolean} is_active
 * @property {boolean} namesakes
 * @property {Habit[]} usual by habit, most lines first
 * @property {string | null} last_seen
 *
 * @typedef {object} Flower
 * @property {string} id
 * @property {string} code
 * @property {string} name_ta
 * @property {string} name_en
 * @property {string} short_ta
 * @property {string} short_en
 * @property {Unit} unit
 * @property {string} glyph
 * @property {number} position
 * @property {number | null} largest thousandths
 *
 * @typedef {object} World what a slip is filled from; `reference.world()` gives all but the last two
 * @property {3 | 4} digits how long farmers' numbers are
 * @property {Map<string, Farmer>} farmers by id
 * @property {Map<number, Farmer>} numbers by number
 * @property {Map<string, Flower>} flowers by id, in the stall's order
 * @property {number} now epoch ms by the server's clock
 * @property {number} ratesAt epoch ms by the server's clock: until then all rates are known
 * @property {(flower: string, at: number) => number | null} rateAt paise per unit in force
 * @property {(at: number) => string} dayOf the business day of a moment
 * @property {Reading} scale what the scale says; `{state: "none", quantity: 0}` without one
 * @property {(kind: import("./question.js").Kind) => boolean} asks whether this kind of question is still asked
 *
 * @typedef {"number" | "weight" | "rate" | "save"} Ring the field that receives digits; `save`: everything is said
 * @typedef {"farmer" | "flower" | "weight" | "rate" | "reason"} Part
 * @typedef {"quality" | "wet" | "agreed" | "wrong_rate" | "other"} Reason
 *
 * @typedef {object} Line what is written: ready for `book.write`
 * @property {string} id of the line, and its idempotency key, the same for every retry
 * @property {string} farmer
 * @property {string} flower
 * @property {number} at epoch ms: when it was weighed, and what it is priced by
 * @property {Unit} unit
 * @property {number[]} sacks thousandths, in the order weighed; one for a line without sacks put aside
 * @property {number} quantity thousandths
 * @property {number | null} rate paise typed; null: the rate in force
 * @property {Reason | null} reason
 * @property {number | null} quoted paise as the slip showed it, typed or not; not sent
 * @property {number | null} amount paise as the slip showed it; not sent
 * @property {Corrects | null} corrects
 *
 * @typedef {object} Corrects the line that stands in the book already, as it was when it was put onto the slip
 * @property {number | null} version null: it stood so on this tablet only
 * @property {string} farmer
 * @property {string} flower
 * @property {number} quantity thousandths, without the sacks
 * @property {number | null} rate paise
 *
 * @typedef {object} Done a line of this page that stands in the book
 * @property {Line} line
 * @property {number | null} version null: as it is only here
 * @property {number | null} amount paise as the server made it
 *
 * @typedef {{kind: "save", line: Line, slip: Slip}
 *   | {kind: "missing", part: Part}
 *   | {kind: "unsure"}
 *   | {kind: "ask", question: Question}
 *   | {kind: "sack"}
 *   | {kind: "undo", done: Done}
 *   | {kind: "find"}
 *   | {kind: "tick"}} Effect
 *   save: write `line`; `slip` is the slip as it stood, to be put back if it could not be written.
 *   missing: shake that part. unsure: it may stand in the book already, so clearing needs a second word.
 *   ask: sound the question. sack: the scale must see zero first.
 *   undo: cancel `done`. find: open the search by name. tick: the key could do nothing here.
 *
 * @typedef {object} Slip
 * @property {string} id
 * @property {Ring} ring
 * @property {string} number as typed, padded once it found somebody
 * @property {boolean} wrong nobody has `number`; the next digit begins anew
 * @property {string | null} farmer id
 * @property {string | null} flower id
 * @property {boolean} flowerChosen by hand: stays when the farmer changes
 * @property {string[]} order ids of the flowers as the tiles stand
 * @property {Band | null} band his usual weight of this flower
 * @property {string} weight text of the sack being typed
 * @property {number[]} sacks put aside with +
 * @property {boolean} fromScale whether `weight` was filled by the scale
 * @property {number | null} rate paise in force when it was loaded; null: none
 * @property {number} rateAt epoch ms when `rate` was in force and known to be
 * @property {string | null} rateText as typed; null: read-only
 * @property {Reason | null} reason
 * @property {number | null} offer the rate in force now, where it is another than the slip's
 * @property {Question | null} question being asked instead of the tiles
 * @property {boolean} saving Save was pressed and the question came: its answer saves
 * @property {number[]} settled quantities of this farmer and flower that somebody answered for
 * @property {string | null} star digits after `*`; null: not choosing a flower by number
 * @property {boolean} fresh nothing pressed since the farmer was found
 * @property {Line | null} tried what was sent of it; whether it arrived is not certain
 * @property {string | null} previous id of the farmer of the line just saved: a tile tapped now is his second flower
 * @property {Done[]} done what can be undone: at most the last two, newest last
 * @property {Corrects | null} corrects what it corrects; null: it is a new line
 * @property {Effect | null} effect of the last key
 * @property {{kind: import("./question.js").Kind, answer: "likely" | "right"} | null} answered by the last key,
 *   to be counted: `tally.count(kind, answer)`
 *
 * @typedef {"0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "." | "," | "backspace"
 *   | "quarter" | "half" | "threequarters" | "sack" | "save" | "enter" | "clear" | "undo" | "minus"
 *   | "star" | "find" | "rate"} Key
 *   `save` is the button, `enter` the desktop's next-or-save, `minus` the desktop's undo on an empty slip.
 *
 * @typedef {{type: "chooseFarmer", farmer: string}
 *   | {type: "chooseFlower", flower: string}
 *   | {type: "openRate"}
 *   | {type: "setReason", reason: Reason}
 *   | {type: "setRing", ring: Ring}
 *   | {type: "paste", text: string}
 *   | {type: "takeScale"}
 *   | {type: "scale"}
 *   | {type: "answerQuestion", answer: "likely" | "right" | "edit"}
 *   | {type: "acceptNewRate"}
 *   | {type: "refresh"}
 *   | {type: "clearAnyway"}
 *   | {type: "putBack", slip: Slip}
 *   | {type: "written", done: Done}
 *   | {type: "taken", done: Done}
 *   | {type: "cancelled", id: string}} Happening
 *   takeScale: the chip was tapped. scale: its reading changed; fills by itself where that is safe.
 *   refresh: rates or minutes went on, or farmers came. clearAnyway: although it was tried. putBack: a line could not be written; only onto an empty slip.
 *   taken: the server has a line, and this is what it made of it.
 */

const PLACES = 3;
/** The book's largest: 9,999,999.999 kg and ₹9,999,999,999.99. */
const WHOLE = { weight: 7, rate: 10 };
/** @type {Record<string, string>} */
const FRACTIONS = { quarter: "25", half: "5", threequarters: "75" };
const KEPT_TO_UNDO = 2;

/**
 * @param {World | null} world null before the reference is there
 * @param {Slip | null} [before] the slip that was saved or cleared
 * @returns {Slip} empty, with a new id
 */
export function emptySlip(world, before = null) {
  return {
    id: crypto.randomUUID(),
    ring: "number",
    number: "",
    wrong: false,
    farmer: null,
    flower: null,
    flowerChosen: false,
    order: world ? [...world.flowers.keys()] : [],
    band: null,
    weight: "",
    sacks: [],
    fromScale: false,
    rate: null,
    rateAt: 0,
    rateText: null,
    reason: null,
    offer: null,
    question: null,
    saving: false,
    settled: [],
    star: null,
    fresh: false,
    tried: null,
    previous: null,
    done: before?.done ?? [],
    corrects: null,
    effect: null,
    answered: null,
  };
}

/** @param {Slip} slip @param {Key | Happening} key @param {World} world @returns {Slip} */
export function press(slip, key, world) {
  const before = { ...slip, effect: null, answered: null };
  // Its rate is of yesterday: nobody has seen today's on it yet.
  if (isSaving(key) && isOfAnotherDay(slip, world)) return ticked(withOffer(before, world));
  const after = typeof key === "string" ? pressed(before, key, world) : happened(before, key, world);
  return withOffer(after, world);
}

/** @param {Slip} slip @param {Key} key @param {World} world @returns {Slip} */
function pressed(slip, key, world) {
  switch (key) {
    case "clear":
      return slip.tried ? { ...slip, effect: { kind: "unsure" } } : emptySlip(world, slip);
    case "find":
      return { ...slip, star: null, effect: { kind: "find" } };
    case "undo":
    case "minus": {
      const done = slip.done.at(-1);
      const may = done && (key === "undo" || isEmpty(slip));
      return may ? { ...slip, effect: { kind: "undo", done } } : ticked(slip);
    }
    case "save":
      return saved(slip, world);
    case "enter":
      return entered(slip, world);
    case "rate":
      return slip.ring === "rate" ? ringed(slip, "weight", world) : ringed(slip, "rate", world);
    case "star":
      return { ...slip, star: slip.star === null ? "" : null, fresh: false };
    case "backspace":
      return shortened(slip, world);
    default:
      return typed(slip, key, world);
  }
}

/** @param {Slip} slip @param {Happening} happening @param {World} world @returns {Slip} */
function happened(slip, happening, world) {
  switch (happening.type) {
    case "chooseFarmer": {
      const farmer = world.farmers.get(happening.farmer);
      return farmer ? withFarmer(slip, farmer, world) : slip;
    }
    case "chooseFlower":
      return withTile(slip, happening.flower, world);
    case "openRate":
      return ringed(slip, "rate", world);
    case "setRing":
      return ringed(slip, happening.ring, world);
    case "setReason":
      return { ...slip, reason: happening.reason };
    case "paste":
      return pasted(slip, happening.text, world);
    case "takeScale":
      return world.scale.state === "steady" && world.scale.quantity > 0 && isWeighed(slip, world)
        ? { ...weighedBy(slip, world), question: null, ring: slip.farmer ? "weight" : slip.ring }
        : ticked(slip);
    case "scale":
      return filled(slip, world);
    case "answerQuestion":
      return answered(slip, happening.answer, world);
    case "acceptNewRate":
      return slip.offer === null ? slip : { ...slip, ...rateNow(slip.flower, world) };
    case "clearAnyway":
      return emptySlip(world, slip);
    case "putBack":
      // All is said on it: what is typed now may be meant for the next farmer, and must not lengthen its weight.
      return isEmpty(slip)
        ? { ...happening.slip, ring: "save", done: slip.done, question: null, effect: null }
        : slip;
    case "written":
      return { ...slip, done: [...slip.done, happening.done].slice(-KEPT_TO_UNDO) };
    case "taken": {
      const { done } = happening;
      return { ...slip, done: slip.done.map((each) => (each.line.id === done.line.id ? done : each)) };
    }
    case "cancelled":
      return { ...slip, done: slip.done.filter((done) => done.line.id !== happening.id) };
    case "refresh":
      return slip.wrong && world.numbers.has(Number(slip.number)) ? withNumber(slip, world) : slip;
  }
}

/** @param {Key | Happening} key */
function isSaving(key) {
  return key === "save" || key === "enter" || (typeof key === "object" && key.type === "answerQuestion");
}

/** @param {Slip} slip @returns {Slip} */
function ticked(slip) {
  return { ...slip, effect: { kind: "tick" } };
}

// --- Who and what ---------------------------------------------------------------------------

/** @param {Slip} slip @param {Farmer} farmer @param {World} world @returns {Slip} */
function withFarmer(slip, farmer, world) {
  const habits = farmer.usual.map((habit) => habit.flower).filter((id) => world.flowers.has(id));
  const order = [...new Set([...habits, ...world.flowers.keys()])];
  const flower = slip.flowerChosen ? slip.flower : (habits[0] ?? null);
  const next = {
    ...slip,
    number: String(farmer.number).padStart(world.digits, "0"),
    wrong: false,
    farmer: farmer.id,
    order,
    question: null,
    settled: [],
    star: null,
    ring: /** @type {Ring} */ ("weight"),
    fresh: true,
  };
  return filled(withFlower(next, flower, world), world);
}

/** @param {Slip} slip @param {string | null} flower @param {World} world @returns {Slip} */
function withFlower(slip, flower, world) {
  const farmer = slip.farmer && world.farmers.get(slip.farmer);
  const habit = farmer ? farmer.usual.find((one) => one.flower === flower) : null;
  const band = habit?.band ?? null;
  const isCounted = flower !== null && world.flowers.get(flower)?.unit !== "kg";
  // The same flower again, of another farmer: the rate stays as it was quoted or typed.
  if (flower === slip.flower) return { ...slip, band };
  return {
    ...slip,
    flower,
    band,
    ...rateNow(flower, world),
    rateText: null,
    reason: null,
    question: null,
    settled: [],
    ...(slip.fromScale && isCounted ? { weight: "", fromScale: false } : {}),
  };
}

/** A tile was tapped. @param {Slip} slip @param {string} flower @param {World} world @returns {Slip} */
function withTile(slip, flower, world) {
  if (!world.flowers.has(flower)) return slip;
  const again = isEmpty(slip) && slip.previous && world.farmers.get(slip.previous);
  const next = again ? withFarmer(slip, again, world) : slip;
  const ring = next.farmer ? "weight" : next.ring;
  const chosen = { ...withFlower(next, flower, world), flowerChosen: true, star: null, fresh: false, ring };
  return filled(chosen, world);
}

/** @param {Slip} slip @param {World} world @returns {Slip} */
function withNumber(slip, world) {
  const farmer = world.numbers.get(Number(slip.number));
  if (farmer) return withFarmer(slip, farmer, world);
  return { ...slip, wrong: true, effect: { kind: "missing", part: "farmer" } };
}

// --- Digits ---------------------------------------------------------------------------------

/** @param {Slip} slip @param {string} key @param {World} world @returns {Slip} */
function typed(slip, key, world) {
  const isDigit = key >= "0" && key <= "9";
  if (slip.star !== null) {
    return isDigit && slip.star.length < 2 ? { ...slip, star: slip.star + key } : ticked(slip);
  }
  if (slip.ring === "number") return isDigit ? numbered(slip, key, world) : ticked(slip);
  // What is asked about stays as it is asked.
  if (slip.question) return ticked(slip);
  // All is said: digits may be meant for the next farmer, and must not lengthen this weight.
  if (slip.ring === "save") return ticked(slip);
  if (slip.ring === "rate") {
    const text = lengthened(slip.rateText ?? "", key, 2, WHOLE.rate);
    return text === null ? ticked(slip) : { ...slip, rateText: text };
  }
  if (key === "sack") return sacked(slip, world);
  const begun = slip.fromScale && !(key in FRACTIONS) ? "" : slip.weight;
  const text = lengthened(begun, key, isWeighed(slip, world) ? PLACES : 0, WHOLE.weight);
  return text === null
    ? ticked(slip)
    : { ...slip, weight: text, fromScale: false, question: null, fresh: false };
}

/** @param {Slip} slip @param {string} digit @param {World} world @returns {Slip} */
function numbered(slip, digit, world) {
  const number = (slip.wrong || slip.farmer ? "" : slip.number) + digit;
  const next = { ...slip, number, wrong: false, farmer: null, band: null, question: null };
  return number.length < world.digits ? next : withNumber(next, world);
}

/**
 * A figure with one more key. @param {string} text @param {string} key @param {number} places decimals there may be
 * @param {number} most digits before the point @returns {string | null} null where the key can do nothing
 */
function lengthened(text, key, places, most) {
  const [whole, decimals] = text.split(".");
  if (key in FRACTIONS) return places === PLACES ? `${whole || "0"}.${FRACTIONS[key]}` : null;
  if (key === "." || key === ",") return places && decimals === undefined ? `${whole || "0"}.` : null;
  if (!/^\d$/.test(key)) return null;
  if (decimals !== undefined) return decimals.length < places ? text + key : null;
  const digits = whole === "0" ? key : whole + key;
  return digits.length <= most ? digits : null;
}

/** @param {Slip} slip @param {World} world @returns {Slip} */
function sacked(slip, world) {
  const sack = quantityOf(slip.weight, unitIn(slip, world));
  if (!sack) return ticked(slip);
  const sacks = [...slip.sacks, sack];
  return {
    ...slip,
    sacks,
    weight: "",
    fromScale: false,
    question: null,
    fresh: false,
    effect: { kind: "sack" },
  };
}

/** @param {Slip} slip @param {World} world @returns {Slip} */
function shortened(slip, world) {
  if (slip.star !== null) return { ...slip, star: slip.star === "" ? null : slip.star.slice(0, -1) };
  if (slip.ring === "rate") {
    return slip.rateText ? { ...slip, rateText: slip.rateText.slice(0, -1) } : ringed(slip, "weight", world);
  }
  // Straight after the number: it was the wrong one. Later it would take the farmer away under somebody
  // who only holds the key to empty the weight.
  if (slip.ring === "number" || (slip.fresh && slip.weight === "" && !slip.sacks.length)) {
    const number = slip.number.slice(0, -1);
    return { ...slip, number, wrong: false, farmer: null, band: null, fresh: false, ring: "number" };
  }
  const next = { ...slip, ring: /** @type {Ring} */ ("weight"), question: null, fromScale: false };
  if (slip.weight !== "") return { ...next, weight: slip.fromScale ? "" : slip.weight.slice(0, -1) };
  const last = slip.sacks.at(-1);
  return last === undefined ? ticked(slip) : { ...next, sacks: slip.sacks.slice(0, -1), weight: plain(last) };
}

/** @param {Slip} slip @param {string} text @param {World} world @returns {Slip} */
function pasted(slip, text, world) {
  if (slip.ring === "number") {
    const number = westernDigits(text);
    const fits = /^\d+$/.test(number) && number.length <= world.digits;
    return fits ? withNumber({ ...slip, number, farmer: null, band: null }, world) : ticked(slip);
  }
  if (slip.ring === "rate") {
    const rate = paiseOf(text);
    return rate === null ? ticked(slip) : { ...slip, rateText: sentMoney(rate) };
  }
  if (slip.question) return ticked(slip);
  const quantity = quantityOf(text, unitIn(slip, world));
  return quantity === null
    ? ticked(slip)
    : { ...slip, weight: plain(quantity), fromScale: false, question: null, ring: "weight", fresh: false };
}

/** @param {Slip} slip @param {Ring} ring @param {World} world @returns {Slip} */
function ringed(slip, ring, world) {
  if (ring === "rate") {
    return slip.flower
      ? { ...slip, ring, rateText: slip.rateText ?? "", star: null, fresh: false }
      : lacking(slip, "flower", world);
  }
  return { ...slip, ring, star: null, fresh: false, rateText: slip.rateText || null };
}

// --- The scale ------------------------------------------------------------------------------

/** The scale fills by itself only what nobody typed. @param {Slip} slip @param {World} world @returns {Slip} */
function filled(slip, world) {
  const { state, quantity } = world.scale;
  const may =
    slip.farmer && slip.ring === "weight" && !slip.question && (slip.fromScale || slip.weight === "");
  return may && state === "steady" && quantity > 0 && isWeighed(slip, world) ? weighedBy(slip, world) : slip;
}

/** @param {Slip} slip @param {World} world @returns {Slip} */
function weighedBy(slip, world) {
  return { ...slip, weight: plain(world.scale.quantity), fromScale: true };
}

// --- Next and save --------------------------------------------------------------------------

/** The desktop's Enter. @param {Slip} slip @param {World} world @returns {Slip} */
function entered(slip, world) {
  if (slip.star !== null) {
    const flower = slip.order[Number(slip.star) - 1];
    return flower ? withTile(slip, flower, world) : ticked({ ...slip, star: null });
  }
  if (slip.ring === "number" && slip.farmer) return ringed(slip, "weight", world);
  if (slip.ring === "number" && slip.number) return withNumber(slip, world);
  // The number took itself; the Enter behind it is habit.
  if (slip.fresh && slip.weight === "") return { ...slip, fresh: false };
  if (slip.ring !== "weight" || slip.question) return saved(slip, world);
  const part = missingOf(slip, world);
  if (part) return lacking(slip, part, world);
  const question = questionOf(slip, world);
  if (question) return asked(slip, question, false);
  return rateIn(slip) === null ? ringed(slip, "rate", world) : { ...slip, ring: "save" };
}

/** @param {Slip} slip @param {World} world @returns {Slip} */
function saved(slip, world) {
  // The second of two taps lands on the cleared slip.
  if (slip.previous && isEmpty(slip)) return slip;
  if (slip.question) return ticked(slip);
  const part = missingOf(slip, world);
  if (part) return lacking(slip, part, world);
  const question = questionOf(slip, world);
  if (question) return asked(slip, question, true);
  const line = lineOf(slip, world);
  return {
    ...emptySlip(world, slip),
    previous: slip.farmer,
    order: slip.order,
    effect: { kind: "save", line, slip },
    answered: slip.answered,
  };
}

/** @param {Slip} slip @param {Part} part @param {World} world @returns {Slip} */
function lacking(slip, part, world) {
  /** @type {Slip} */
  const next = { ...slip, star: null, fresh: false, effect: { kind: "missing", part } };
  if (part === "farmer") return { ...next, ring: "number" };
  if (part === "flower") return next;
  return part === "weight"
    ? { ...next, ring: "weight" }
    : { ...ringed(next, "rate", world), effect: next.effect };
}

/** @param {Slip} slip @param {World} world @returns {Question | null} */
function questionOf(slip, world) {
  const flower = world.flowers.get(slip.flower ?? "");
  const sacks = sacksIn(slip, world);
  if (!flower || !sacks || slip.settled.includes(sum(sacks))) return null;
  return questionAbout({
    sacks,
    unit: flower.unit,
    band: slip.band,
    largest: flower.largest,
    scale: world.scale,
    asks: world.asks,
  });
}

/** @param {Slip} slip @param {Question} question @param {boolean} saving @returns {Slip} */
function asked(slip, question, saving) {
  return { ...slip, ring: "weight", question, saving, effect: { kind: "ask", question } };
}

/** @param {Slip} slip @param {"likely" | "right" | "edit"} answer @param {World} world @returns {Slip} */
function answered(slip, answer, world) {
  const { question } = slip;
  if (!question) return slip;
  const closed = { ...slip, question: null };
  if (answer === "right") {
    const settled = [...slip.settled, question.quantity];
    const counted = { ...closed, settled, answered: { kind: question.kind, answer } };
    return slip.saving ? saved(counted, world) : { ...counted, ring: "save" };
  }
  if (answer === "edit" || question.likely === null) {
    return { ...closed, ring: "weight", weight: "", fromScale: false };
  }
  const counted = {
    ...closed,
    weight: plain(question.sacks.at(-1) ?? 0),
    sacks: question.sacks.slice(0, -1),
    fromScale: false,
    settled: [...slip.settled, question.likely],
    answered: { kind: question.kind, answer: /** @type {"likely"} */ ("likely") },
  };
  return slip.saving ? saved(counted, world) : { ...counted, ring: "save" };
}

/** @param {Slip} slip @param {World} world @returns {Line} of a slip that misses nothing */
function lineOf(slip, world) {
  const sacks = sacksIn(slip, world) ?? [];
  const flower = slip.flower ?? "";
  const rate = typedRate(slip);
  // A rate that is no longer in force holds for the moment it was shown (trap 12).
  const stands = rate !== null || world.rateAt(flower, world.now) === slip.rate;
  return {
    id: slip.id,
    farmer: slip.farmer ?? "",
    flower,
    at: stands ? world.now : slip.rateAt,
    unit: unitIn(slip, world),
    sacks,
    quantity: sum(sacks),
    rate,
    reason: rate === null ? null : slip.reason,
    quoted: rateIn(slip),
    amount: amountIn(slip, world),
    corrects: slip.corrects,
  };
}

/** Keep the rate the slip was opened with, and offer the one that came since. @param {Slip} slip @param {World} world @returns {Slip} */
function withOffer(slip, world) {
  if (!slip.flower) return slip;
  const now = rateNow(slip.flower, world);
  // Yesterday's holds for nothing any more.
  if (isOfAnotherDay(slip, world)) return { ...slip, ...now, rateText: null, reason: null, offer: null };
  if (now.rate === slip.rate || (slip.rate === null && slip.rateText === null)) {
    return { ...slip, ...now, offer: null };
  }
  return { ...slip, offer: slip.rateText ? null : now.rate };
}

/** @param {Slip} slip @param {World} world */
function isOfAnotherDay(slip, world) {
  return slip.flower !== null && world.dayOf(slip.rateAt) !== world.dayOf(world.now);
}

/**
 * The rate in force, and since when at the latest: what was called after the last fetch is not known here yet, so
 * that it may hold at this minute on the server and not on this slip.
 *
 * @param {string | null} flower @param {World} world @returns {Pick<Slip, "rate" | "rateAt">}
 */
function rateNow(flower, world) {
  const rate = flower === null ? null : world.rateAt(flower, world.now);
  const known = Math.min(world.now, world.ratesAt);
  const isSame =
    flower !== null && world.dayOf(known) === world.dayOf(world.now) && world.rateAt(flower, known) === rate;
  return { rate, rateAt: isSame ? known : world.now };
}

// --- What the slip says ---------------------------------------------------------------------

/** @param {Slip} slip @param {World} world @returns {Unit} */
function unitIn(slip, world) {
  return world.flowers.get(slip.flower ?? "")?.unit ?? "kg";
}

/** @param {Slip} slip @param {World} world */
function isWeighed(slip, world) {
  return unitIn(slip, world) === "kg";
}

/** @param {number[]} sacks */
function sum(sacks) {
  return sacks.reduce((total, sack) => total + sack, 0);
}

/** @param {Slip} slip @param {World} world @returns {number[] | null} null: something there is no weight */
function sacksIn(slip, world) {
  const unit = unitIn(slip, world);
  const sacks = slip.weight === "" ? slip.sacks : [...slip.sacks, quantityOf(slip.weight, unit) ?? 0];
  const fit = sacks.length > 0 && sacks.every((sack) => sack > 0 && (unit === "kg" || sack % 1000 === 0));
  return fit ? sacks : null;
}

/** Sum of the sacks and of what is being typed. @param {Slip} slip @param {World} world @returns {number | null} thousandths; null: nothing yet, or no weight */
export function quantityIn(slip, world) {
  const sacks = sacksIn(slip, world);
  return sacks && sum(sacks);
}

/** @param {Slip} slip @returns {number | null} paise typed that are not what the board says */
function typedRate(slip) {
  // `0.` is a point without any digit: nobody gives flowers away by accident.
  const paise = slip.rateText && slip.rateText !== "0." ? paiseOf(slip.rateText) : null;
  return paise === slip.rate ? null : paise;
}

/** The rate the slip stands at. @param {Slip} slip @returns {number | null} paise per unit */
export function rateIn(slip) {
  return typedRate(slip) ?? slip.rate;
}

/** @param {Slip} slip @param {World} world @returns {number | null} paise */
export function amountIn(slip, world) {
  const quantity = quantityIn(slip, world);
  const rate = rateIn(slip);
  return quantity === null || rate === null ? null : amountOf(quantity, rate);
}

/** The first part that keeps Save from going; null: it goes, without any rate too. @param {Slip} slip @param {World} world @returns {Part | null} */
export function missingOf(slip, world) {
  if (!slip.farmer) return "farmer";
  if (!slip.flower) return "flower";
  if (quantityIn(slip, world) === null) return "weight";
  if (slip.rateText === "0.") return "rate";
  return wantsReason(slip) && !slip.reason ? "reason" : null;
}

/** An override says why, and so does a rate of nothing; else where there was no rate nothing is overridden. @param {Slip} slip */
export function wantsReason(slip) {
  const typed = typedRate(slip);
  return typed === 0 || (typed !== null && slip.rate !== null);
}

/**
 * The four petals that can be ready; the fifth is the saving. Without any rate three are, and Save goes.
 *
 * @param {Slip} slip @param {World} world
 * @returns {{farmer: boolean, flower: boolean, weight: boolean, rate: boolean, ready: number}}
 */
export function petalsOf(slip, world) {
  const petals = {
    farmer: slip.farmer !== null,
    flower: slip.flower !== null,
    weight: quantityIn(slip, world) !== null,
    rate: rateIn(slip) !== null && slip.rateText !== "0." && (!wantsReason(slip) || slip.reason !== null),
  };
  return { ...petals, ready: Object.values(petals).filter(Boolean).length };
}

/** Nothing chosen or typed. @param {Slip} slip @returns {boolean} */
export function isEmpty(slip) {
  return !(
    slip.number ||
    slip.farmer ||
    slip.flower ||
    slip.weight ||
    slip.sacks.length ||
    slip.star !== null
  );
}

// --- The keyboard ---------------------------------------------------------------------------

/** @type {Record<string, Key>} */
const KEYS = {
  Enter: "enter",
  Backspace: "backspace",
  Escape: "clear",
  F2: "rate",
  "/": "find",
  "*": "star",
  "+": "sack",
  "-": "minus",
  ".": ".",
  ",": ",",
};

/**
 * What a keyboard's key means here. Nothing while a word is composed, with a modifier, or in another field;
 * Enter and Space on a button are the button's.
 *
 * @param {KeyboardEvent} event @returns {Key | null} null: leave it to the browser
 */
export function keyOf(event) {
  if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey)
    return null;
  const at = /** @type {Element | null} */ (event.target);
  const own = at?.closest?.("[data-counter-field]");
  if (!own && at?.closest?.("input:not([type=radio]), textarea, select, [contenteditable]")) return null;
  if (event.key === "Enter" && at?.closest?.("button, a, summary")) return null;
  const key = westernDigits(event.key);
  if (/^\d$/.test(key)) return /** @type {Key} */ (key);
  return KEYS[event.key] ?? null;
}
