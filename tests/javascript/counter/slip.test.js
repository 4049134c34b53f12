import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amountIn,
  emptySlip,
  isEmpty,
  keyOf,
  missingOf,
  petalsOf,
  press,
  quantityIn,
  rateIn,
} from "../../../static/js/counter/slip.js";
import { after, EARLY, farmerTile, flowerTile, SIX, savedLine, stall, taps, typed } from "./stall.js";

const world = stall();
const steady = stall({ scale: { state: "steady", quantity: 12_500 } });

// --- The keystroke model (ux.md §1.2) -------------------------------------------------------

/** @type {[string, number, import("../../../static/js/counter/slip.js").World, (string | import("../../../static/js/counter/slip.js").Happening)[], object][]} */
const FLOWS = [
  ["A: recents, usual flower, 12½", 5, world, [farmerTile("raja"), "12½", "save"], { quantity: 12_500 }],
  ["A2: the same with a point", 6, world, [farmerTile("raja"), "12.5", "save"], { quantity: 12_500 }],
  [
    "B: another flower",
    6,
    world,
    [farmerTile("raja"), flowerTile("pichi"), "12½", "save"],
    { flower: "pichi", quantity: 12_500 },
  ],
  ["C: number, usual flower", 7, world, ["20712½", "save"], { quantity: 12_500 }],
  [
    "C2: number, another flower, a point",
    9,
    world,
    ["207", flowerTile("pichi"), "12.5", "save"],
    { flower: "pichi", quantity: 12_500 },
  ],
  ["D: recents, the scale fills", 2, steady, [farmerTile("raja"), "save"], { quantity: 12_500 }],
  ["D2: number, the scale fills", 4, steady, ["207", "save"], { quantity: 12_500 }],
  ["desktop: 207⏎ 12.5⏎ ⏎", 10, world, ["207⏎12.5⏎⏎"], { quantity: 12_500 }],
  ["desktop: 207⏎ *2⏎ 12.5⏎ ⏎", 13, world, ["207⏎*3⏎12.5⏎⏎"], { flower: "pichi", quantity: 12_500 }],
];
for (const [name, count, stallOf, parts, expected] of FLOWS) {
  test(`${name} is saved in ${count}`, () => {
    assert.equal(taps(...parts).length, count);
    const line = savedLine(typed(stallOf, ...parts));
    assert.equal(line.farmer, "raja");
    const { flower, quantity } = line;
    assert.deepEqual({ flower, quantity }, { flower: "jasmine", ...expected });
  });
}

test("E: the same farmer's second flower is saved in 4", () => {
  const first = typed(world, farmerTile("raja"), "12½", "save");
  const parts = [flowerTile("pichi"), "8¼", "save"];
  assert.equal(taps(...parts).length, 4);
  const line = savedLine(after(first, world, ...parts));
  assert.deepEqual([line.farmer, line.flower, line.quantity], ["raja", "pichi", 8250]);
});

test("a name found with / and Enter goes on with 12.5⏎ ⏎", () => {
  const slip = typed(world, "find");
  assert.equal(slip.effect?.kind, "find");
  // k a r ⏎ go into the search field; with the slash they are 11 keys.
  const line = savedLine(after(slip, world, farmerTile("raja"), "12.5⏎⏎"));
  assert.equal(line.quantity, 12_500);
});

// --- Numbers --------------------------------------------------------------------------------

test("a number of the stall's length takes itself, and the ring moves to the weight", () => {
  assert.equal(typed(world, "20").farmer, null);
  const slip = typed(world, "207");
  assert.deepEqual([slip.farmer, slip.ring, slip.number], ["raja", "weight", "207"]);
  assert.equal(typed(world, "045").farmer, "selvi");
  const wide = stall({ digits: 4 });
  assert.equal(typed(wide, "207").farmer, null);
  assert.deepEqual([typed(wide, "0207").farmer, typed(wide, "0207").number], ["raja", "0207"]);
});

test("a short number is taken with Enter and shown as it is written", () => {
  const slip = typed(world, "45⏎");
  assert.deepEqual([slip.farmer, slip.number, slip.ring], ["selvi", "045", "weight"]);
});

test("a wrong number shows nobody, and the next digit begins anew", () => {
  const wrong = typed(world, "999");
  assert.deepEqual([wrong.wrong, wrong.farmer, wrong.number, wrong.ring], [true, null, "999", "number"]);
  assert.deepEqual(wrong.effect, { kind: "missing", part: "farmer" });
  const next = after(wrong, world, "2");
  assert.deepEqual([next.wrong, next.number], [false, "2"]);
  assert.equal(after(wrong, world, "⌫7").number, "997");
  assert.equal(typed(world, "000").wrong, true);
});

test("straight after the number backspace takes its last digit back, later never", () => {
  const slip = typed(world, "207⌫");
  assert.deepEqual([slip.farmer, slip.number, slip.ring], [null, "20", "number"]);
  const emptied = typed(world, "20712⌫⌫⌫⌫");
  assert.deepEqual([emptied.farmer, emptied.weight, emptied.ring], ["raja", "", "weight"]);
});

test("once something was asked of it, backspace leaves the farmer", () => {
  for (const part of ["save", "⏎", "*⌫⌫"]) assert.equal(typed(world, "207", part, "⌫").farmer, "raja", part);
  assert.equal(typed(world, "207", "rate", "rate", "⌫").farmer, "raja");
  assert.equal(typed(world, "207", flowerTile("pichi"), "⌫").farmer, "raja");
  assert.equal(typed(world, "207", { type: "paste", text: "8" }, "⌫⌫").farmer, "raja");
  assert.equal(typed(world, "207", { type: "setRing", ring: "weight" }, "⌫").farmer, "raja");
});

test("a flower is chosen by its number among the tiles", () => {
  const slip = typed(world, "207*");
  assert.equal(slip.star, "");
  assert.deepEqual(after(slip, world, "12").star, "12");
  assert.deepEqual(after(slip, world, "123").effect?.kind, "tick");
  assert.deepEqual(after(slip, world, "1.").effect?.kind, "tick");
  assert.equal(after(slip, world, "12⌫").star, "1");
  assert.equal(after(slip, world, "⌫").star, null);
  assert.equal(after(slip, world, "*").star, null);
  const none = after(slip, world, "9⏎");
  assert.deepEqual([none.star, none.flower, none.effect?.kind], [null, "jasmine", "tick"]);
  const third = after(slip, world, "4⏎12");
  assert.deepEqual([third.flower, third.weight], ["lotus", "12"]);
  assert.equal(after(slip, world, "find").star, null);
  assert.equal(after(slip, world, "rate").star, null);
  assert.equal(after(slip, world, "save").star, null);
  assert.equal(after(slip, world, { type: "setRing", ring: "weight" }).star, null);
});

test("Enter behind a number that took itself is habit and asks for nothing", () => {
  assert.equal(typed(world, "207⏎").effect, null);
  assert.deepEqual(typed(world, "207⏎⏎").effect, { kind: "missing", part: "weight" });
});

test("Enter in the number of somebody who is there goes on to his weight", () => {
  const slip = typed(world, "20712½", { type: "setRing", ring: "number" }, "⏎");
  assert.deepEqual([slip.effect, slip.farmer, slip.ring], [null, "raja", "weight"]);
});

test("only digits make a number", () => {
  for (const key of [".", ",", "½", "+"]) {
    const slip = typed(world, `2${key}`);
    assert.deepEqual([slip.number, slip.weight, slip.effect?.kind], ["2", "", "tick"], key);
  }
});

test("choosing a farmer brings flower, tiles, band and rate", () => {
  const slip = typed(world, farmerTile("raja"));
  assert.equal(slip.flower, "jasmine");
  assert.deepEqual(slip.order, ["jasmine", "mullai", "pichi", "lotus"]);
  assert.deepEqual(slip.band, { low: 8000, high: 15_000 });
  assert.equal(slip.rate, 64_000);
  const newcomer = typed(world, farmerTile("selvi"));
  assert.deepEqual([newcomer.flower, newcomer.band], [null, null]);
  assert.deepEqual(newcomer.order, ["jasmine", "pichi", "lotus", "mullai"]);
});

test("a weight already typed stays when the farmer is put right, and a flower chosen by hand too", () => {
  const slip = typed(world, "20712½", { type: "setRing", ring: "number" }, "318");
  assert.deepEqual([slip.farmer, slip.weight, slip.flower], ["mani", "12.5", "pichi"]);
  const chosen = typed(world, "207", flowerTile("lotus"), "12", { type: "setRing", ring: "number" }, "318");
  assert.deepEqual([chosen.farmer, chosen.weight, chosen.flower], ["mani", "12", "lotus"]);
});

test("a flower chosen before anybody waits for its farmer", () => {
  const slip = typed(world, flowerTile("pichi"), "207");
  assert.deepEqual([slip.farmer, slip.flower, slip.ring], ["raja", "pichi", "weight"]);
});

// --- Weights --------------------------------------------------------------------------------

test("a fraction key sets the fraction in one tap", () => {
  assert.equal(quantityIn(typed(world, "207½"), world), 500);
  assert.equal(quantityIn(typed(world, "2078¼"), world), 8250);
  assert.equal(quantityIn(typed(world, "2078.4¾"), world), 8750);
  assert.equal(quantityIn(typed(world, "2078½¼"), world), 8250);
});

test("comma and point are the same key, and only once (trap 1)", () => {
  assert.equal(typed(world, "20712,5").weight, "12.5");
  assert.equal(typed(world, "207.5").weight, "0.5");
  const twice = typed(world, "20712.5.");
  assert.deepEqual([twice.weight, twice.effect?.kind], ["12.5", "tick"]);
});

test("a key that would make an impossible weight does nothing", () => {
  assert.equal(typed(world, "20712.3456").weight, "12.345");
  assert.equal(typed(world, "20712345678").weight, "1234567");
  assert.equal(typed(world, "20700").weight, "0");
  assert.equal(typed(world, "20705").weight, "5");
});

test("counted flowers take no decimals and no fractions", () => {
  const slip = typed(world, "207", flowerTile("lotus"), "12.5½");
  assert.equal(slip.weight, "125");
  assert.equal(quantityIn(slip, world), 125_000);
  assert.equal(typed(world, "20712", flowerTile("lotus")).weight, "12");
  const changed = typed(world, "20712½", flowerTile("lotus"));
  assert.equal(missingOf(changed, world), "weight");
});

test("what is pasted lands as it will be stored (trap 1)", () => {
  const paste = (/** @type {string} */ text) => typed(world, "207", { type: "paste", text });
  assert.equal(paste("1,250").weight, "1.25");
  assert.equal(paste("௧௨.௫").weight, "12.5");
  assert.equal(paste("12 kilos").effect?.kind, "tick");
  assert.equal(typed(world, { type: "paste", text: "௨௦௭" }).farmer, "raja");
  assert.equal(typed(world, { type: "paste", text: "9876543210" }).number, "");
  assert.equal(typed(world, { type: "paste", text: "Raja" }).number, "");
  const over = typed(steady, "207", { type: "paste", text: "8" });
  assert.deepEqual([over.weight, over.fromScale], ["8", false]);
  assert.equal(typed(world, "207", "rate", { type: "paste", text: "1,450" }).rateText, "1450.00");
});

test("plus keeps each sack, and the total is what counts", () => {
  const slip = typed(world, "20712½+8¼");
  assert.deepEqual([slip.sacks, slip.weight, quantityIn(slip, world)], [[12_500], "8.25", 20_750]);
  const line = savedLine(after(slip, world, "save"));
  assert.deepEqual([line.sacks, line.quantity], [[12_500, 8250], 20_750]);
  assert.equal(typed(world, "20712½+").effect?.kind, "sack");
  assert.equal(typed(world, "207+").effect?.kind, "tick");
  assert.deepEqual(savedLine(typed(world, "20712½+", "save")).sacks, [12_500]);
});

test("backspace on an empty sack takes the last one back", () => {
  const slip = typed(world, "20712½+⌫");
  assert.deepEqual([slip.sacks, slip.weight], [[], "12.5"]);
  assert.deepEqual(typed(world, "20712½+8⌫⌫⌫").weight, "12.");
});

test("nothing weighs nothing", () => {
  assert.deepEqual(typed(world, "2070", "save").effect, { kind: "missing", part: "weight" });
  assert.equal(missingOf(typed(world, "20712½+0"), world), "weight");
});

// --- Rates ----------------------------------------------------------------------------------

test("the rate is read-only until it is opened, and then takes the digits", () => {
  assert.equal(typed(world, "20712").rateText, null);
  const slip = typed(world, "20712½", "rate", "65", "0,5");
  assert.deepEqual([slip.rateText, slip.weight, rateIn(slip)], ["650.5", "12.5", 65_050]);
});

test("an override asks for its reason, and takes one", () => {
  const open = typed(world, "20712½", "rate", "700", "save");
  assert.deepEqual([open.effect, open.ring], [{ kind: "missing", part: "reason" }, "rate"]);
  assert.equal(petalsOf(open, world).rate, false);
  const line = savedLine(after(open, world, { type: "setReason", reason: "agreed" }, "save"));
  assert.deepEqual([line.rate, line.reason, line.amount], [70_000, "agreed", 875_000]);
});

test("a rate opened and left, or typed as it is called, is no override", () => {
  for (const parts of [
    ["rate", "save"],
    ["rate", "640", "save"],
    ["rate", "7⌫⌫", "save"],
  ]) {
    const line = savedLine(typed(world, "20712½", ...parts));
    assert.deepEqual([line.rate, line.reason, line.quoted], [null, null, 64_000], parts.join(" "));
  }
});

test("a rate that was opened and left is read-only again", () => {
  assert.equal(typed(world, "207", "rate").rateText, "");
  assert.equal(typed(world, "207", "rate", { type: "setRing", ring: "weight" }).rateText, null);
  assert.equal(typed(world, "207", "rate", "rate").rateText, null);
  const typedOn = typed(world, "207", "rate", "7⌫⌫12");
  assert.deepEqual([typedOn.rateText, typedOn.ring, typedOn.weight], [null, "weight", "12"]);
  const flowerless = typed(world, "045", "rate");
  assert.deepEqual([flowerless.effect, flowerless.ring], [{ kind: "missing", part: "flower" }, "weight"]);
});

test("a flower without a rate stops nobody", () => {
  const slip = typed(world, "207", flowerTile("mullai"), "5");
  assert.deepEqual(petalsOf(slip, world), {
    farmer: true,
    flower: true,
    weight: true,
    rate: false,
    ready: 3,
  });
  const line = savedLine(after(slip, world, "save"));
  assert.deepEqual([line.rate, line.quoted, line.amount], [null, null, null]);
});

test("on the desktop a rate that is missing opens before the saving, and needs no reason", () => {
  const slip = typed(world, "207", flowerTile("mullai"), "5⏎");
  assert.equal(slip.ring, "rate");
  assert.equal(petalsOf(after(slip, world, "480"), world).ready, 4);
  const line = savedLine(after(slip, world, "480⏎"));
  assert.deepEqual([line.rate, line.reason], [48_000, null]);
  assert.equal(savedLine(after(slip, world, "⏎")).rate, null);
});

test("another flower has its own rate; what was typed for the first is gone", () => {
  const slip = typed(
    world,
    "20712½",
    "rate",
    "700",
    { type: "setReason", reason: "wet" },
    flowerTile("pichi"),
  );
  assert.deepEqual([slip.rateText, slip.reason, slip.rate], [null, null, 50_000]);
});

test("when the slot rolls over the slip keeps its rate and offers the new one (trap 12)", () => {
  const later = stall({ now: SIX + 5000 });
  const slip = after(typed(world, "20712½"), later, { type: "refresh" });
  assert.deepEqual([slip.rate, slip.offer], [64_000, 60_000]);
  const kept = savedLine(after(slip, later, "save"));
  // Priced by the moment the rate was shown: nothing was typed, so none is sent.
  assert.deepEqual([kept.rate, kept.at, kept.quoted], [null, EARLY, 64_000]);
  const taken = savedLine(after(slip, later, { type: "acceptNewRate" }, "save"));
  assert.deepEqual([taken.rate, taken.at, taken.quoted], [null, SIX + 5000, 60_000]);
  const agreed = savedLine(
    after(slip, later, "rate", "650", { type: "setReason", reason: "agreed" }, "save"),
  );
  assert.deepEqual([agreed.rate, agreed.at], [65_000, SIX + 5000]);
});

test("a rate that comes for an unpriced slip is simply taken", () => {
  const slip = typed(world, "207", flowerTile("mullai"), "5");
  const called = stall({ rateAt: () => 48_000 });
  const now = after(slip, called, { type: "refresh" });
  assert.deepEqual([now.rate, now.offer, amountIn(now, called)], [48_000, null, 240_000]);
});

test("a rate holds for the moment until which all rates were known, not for the moment of the key", () => {
  // Called at 4:51:50, fetched at 4:52: the slip was begun at 4:51:55 with what was known at 4:51:30.
  const [known, called, begun] = [EARLY - 30_000, EARLY - 10_000, EARLY - 5000];
  const before = stall({ now: begun, ratesAt: known });
  const slip = after(typed(before, "20712½"), before, { type: "refresh" });
  assert.deepEqual([slip.rate, slip.rateAt], [64_000, known]);
  const fetched = stall({ ratesAt: EARLY, rateAt: (_, at) => (at < called ? 64_000 : 70_000) });
  const offered = after(slip, fetched, { type: "refresh" });
  assert.deepEqual([offered.rate, offered.offer], [64_000, 70_000]);
  assert.equal(savedLine(after(offered, fetched, "save")).at, known);
  const taken = savedLine(after(offered, fetched, { type: "acceptNewRate" }, "save"));
  assert.deepEqual([taken.quoted, taken.at], [70_000, EARLY]);
});

test("the rate of a slot that began since the last fetch holds from this moment", () => {
  const later = stall({ now: SIX + 5000, ratesAt: SIX - 5000 });
  assert.deepEqual([typed(later, "207").rate, typed(later, "207").rateAt], [60_000, SIX + 5000]);
});

test("a slip left open over night takes today's rate, or none, and Save first shows it", () => {
  const tomorrow = EARLY + 86_400_000;
  const override = ["rate", "700", /** @type {const} */ ({ type: "setReason", reason: "wet" })];
  for (const [parts, price] of /** @type {[any[], number | null][]} */ ([
    [[], 66_000],
    [[], null],
    [override, 66_000],
  ])) {
    const morning = stall({ now: tomorrow, rateAt: (_, at) => (at < tomorrow ? 64_000 : price) });
    const slip = typed(world, "20712½", ...parts);
    const shown = after(slip, morning, "save");
    assert.deepEqual([shown.effect?.kind, shown.rate, shown.offer], ["tick", price, null]);
    assert.deepEqual([shown.rateText, shown.reason, shown.farmer], [null, null, "raja"]);
    const line = savedLine(after(shown, morning, "save"));
    assert.deepEqual([line.at, line.quoted, line.rate], [tomorrow, price, null]);
    const seen = after(slip, morning, { type: "refresh" });
    assert.equal(savedLine(after(seen, morning, "save")).at, tomorrow);
  }
});

test("a point alone is no rate, and a rate of 0 says why", () => {
  for (const flower of ["jasmine", "mullai"]) {
    const open = typed(world, "207", flowerTile(flower), "5", "rate", ".");
    assert.equal(petalsOf(open, world).rate, false);
    assert.deepEqual(after(open, world, "save").effect, { kind: "missing", part: "rate" });
    assert.equal(savedLine(after(open, world, "⌫⌫", "save")).rate, null);
    const unsold = typed(world, "207", flowerTile(flower), "5", "rate", "0");
    assert.deepEqual(after(unsold, world, "save").effect, { kind: "missing", part: "reason" });
    const line = savedLine(after(unsold, world, { type: "setReason", reason: "other" }, "save"));
    assert.deepEqual([line.rate, line.reason, line.amount], [0, "other", 0]);
  }
});

// --- Save, clear, undo ----------------------------------------------------------------------

test("Save too early says which part is missing and moves the ring there", () => {
  for (const [parts, part, ring] of /** @type {[string[], string, string][]} */ ([
    [[], "farmer", "number"],
    [["045"], "flower", "weight"],
    [["0455"], "flower", "weight"],
    [["207"], "weight", "weight"],
  ])) {
    const slip = typed(world, ...parts, "save");
    assert.deepEqual([slip.effect, slip.ring], [{ kind: "missing", part }, ring]);
  }
});

test("petals count what is ready", () => {
  assert.deepEqual(
    ["", "045", "0455", "207", "20712"].map((keys) => petalsOf(typed(world, keys), world).ready),
    [0, 1, 2, 3, 4],
  );
});

test("one key for one slip: the second tap on Save writes nothing (trap 4)", () => {
  const open = typed(world, "20712½");
  const once = press(open, "save", world);
  assert.equal(savedLine(once).id, open.id);
  const twice = press(once, "save", world);
  assert.equal(twice.effect, null);
  assert.equal(twice.id, once.id);
  assert.notEqual(once.id, open.id);
  assert.equal(press(twice, "enter", world).effect, null);
});

test("a slip keeps its id through everything but Save and Clear", () => {
  const slip = emptySlip(world);
  const worked = after(slip, world, "20712½", "rate", "7⌫⌫", flowerTile("pichi"), "8+2", { type: "refresh" });
  assert.equal(worked.id, slip.id);
  assert.notEqual(press(worked, "clear", world).id, slip.id);
});

test("the next digit after a save belongs to the next farmer", () => {
  const slip = typed(world, "20712½", "save", "3");
  assert.deepEqual([slip.number, slip.farmer, slip.weight], ["3", null, ""]);
  const line = savedLine(typed(world, "20712½", "save", "3184", "save"));
  assert.deepEqual([line.farmer, line.quantity], ["mani", 4000]);
});

test("tiles stay where they are after a save, until another farmer comes", () => {
  const slip = typed(world, "20712½", "save");
  assert.deepEqual(slip.order, ["jasmine", "mullai", "pichi", "lotus"]);
  assert.deepEqual(after(slip, world, "31").order, slip.order);
  assert.deepEqual(after(slip, world, "318").order, ["pichi", "jasmine", "lotus", "mullai"]);
});

test("after Clear a tile is nobody's second flower", () => {
  const slip = typed(world, "20712½", "save", "clear", flowerTile("pichi"));
  assert.deepEqual([slip.farmer, slip.flower], [null, "pichi"]);
});

test("digits behind Enter do not lengthen a weight that is ready", () => {
  const slip = typed(world, "207⏎12.5⏎31");
  assert.deepEqual([slip.weight, slip.effect?.kind], ["12.5", "tick"]);
  assert.equal(after(slip, world, "⌫").weight, "12.");
});

test("a line that could not be written comes back as it stood, but never over another", () => {
  const saved = typed(world, "20712½", "save");
  assert.equal(saved.effect?.kind, "save");
  const slip = saved.effect?.kind === "save" ? saved.effect.slip : saved;
  const back = after(saved, world, { type: "putBack", slip });
  assert.deepEqual([back.id, back.weight, back.farmer], [slip.id, "12.5", "raja"]);
  assert.equal(after(saved, world, "3", { type: "putBack", slip }).number, "3");
});

test("the next farmer's number does not lengthen the weight of a line that could not be written", () => {
  const saved = typed(world, "20712½", "save");
  const slip = saved.effect?.kind === "save" ? saved.effect.slip : saved;
  const typedOn = after(saved, world, { type: "putBack", slip }, "112");
  assert.deepEqual([typedOn.weight, typedOn.effect?.kind], ["12.5", "tick"]);
  assert.deepEqual(savedLine(after(typedOn, world, "save")).quantity, 12_500);
  assert.equal(after(typedOn, world, "⌫").weight, "12.");
});

test("a slip that may have arrived is cleared only with a second word", () => {
  const tried = { ...typed(world, "20712½"), tried: savedLine(typed(world, "20712½", "save")) };
  const kept = press(tried, "clear", world);
  assert.deepEqual([kept.effect?.kind, kept.id, kept.weight], ["unsure", tried.id, "12.5"]);
  const cleared = press(kept, { type: "clearAnyway" }, world);
  assert.deepEqual([isEmpty(cleared), cleared.tried], [true, null]);
  assert.notEqual(cleared.id, tried.id);
});

test("somebody unknown who was fetched meanwhile is taken, unless another number was begun", () => {
  const nobody = typed(stall({ numbers: new Map() }), "207");
  assert.equal(nobody.wrong, true);
  const found = after(nobody, world, { type: "refresh" });
  assert.deepEqual([found.farmer, found.ring, found.effect], ["raja", "weight", null]);
  assert.equal(after(nobody, world, "3", { type: "refresh" }).farmer, null);
});

/** @param {string} number @param {import("../../../static/js/counter/slip.js").Slip} slip */
function written(slip, number = "207") {
  const saved = after(slip, world, number, "5", "save");
  const done = { line: savedLine(saved), version: 1, amount: 320_000 };
  return press(saved, { type: "written", done }, world);
}

test("the last line can be undone until two more are saved", () => {
  const one = written(emptySlip(world));
  const first = one.done[0];
  assert.deepEqual(press(one, "undo", world).effect, { kind: "undo", done: first });
  const two = written(one, "318");
  assert.deepEqual(
    two.done.map((done) => done.line.farmer),
    ["raja", "mani"],
  );
  assert.deepEqual(press(two, "undo", world).effect, { kind: "undo", done: two.done[1] });
  const undone = press(two, { type: "cancelled", id: two.done[1].line.id }, world);
  assert.deepEqual(press(undone, "undo", world).effect, { kind: "undo", done: first });
  assert.equal(written(two).done.includes(first), false);
});

test("minus undoes on an empty slip only, and undo without a line does nothing", () => {
  const slip = written(emptySlip(world));
  assert.equal(after(slip, world, "-").effect?.kind, "undo");
  assert.equal(after(slip, world, "3-").effect?.kind, "tick");
  assert.equal(typed(world, "undo").effect?.kind, "tick");
});

test("clearing keeps what can be undone", () => {
  const slip = after(written(emptySlip(world)), world, "31", "clear");
  assert.equal(isEmpty(slip), true);
  assert.equal(slip.done.length, 1);
});

test("no slip is ever changed in place", () => {
  const frozen = Object.freeze({ ...typed(world, "20712½+"), sacks: Object.freeze([12_500]) });
  for (const key of taps("1½+⌫⌫⏎*2⏎", "rate", "save", "undo", "clear")) {
    assert.notEqual(press(/** @type {any} */ (frozen), key, world), frozen);
  }
  assert.deepEqual([frozen.weight, frozen.sacks], ["", [12_500]]);
});

// --- The scale ------------------------------------------------------------------------------

test("the scale fills only what nobody typed", () => {
  assert.equal(typed(steady, "207").weight, "12.5");
  assert.equal(typed(steady, farmerTile("raja")).fromScale, true);
  const typedFirst = after(typed(world, "2078"), steady, { type: "scale" });
  assert.equal(typedFirst.weight, "8");
  assert.equal(after(typedFirst, steady, { type: "takeScale" }).weight, "12.5");
});

test("the scale goes on filling while more is put on it, and a digit takes over", () => {
  const slip = typed(steady, "207");
  const more = stall({ scale: { state: "steady", quantity: 13_200 } });
  assert.equal(after(slip, more, { type: "scale" }).weight, "13.2");
  const typedOver = after(slip, more, "8");
  assert.deepEqual([typedOver.weight, typedOver.fromScale], ["8", false]);
  assert.equal(after(typedOver, more, { type: "scale" }).weight, "8");
});

test("what the scale filled goes with one backspace, and nobody with it", () => {
  const slip = typed(steady, "207");
  assert.deepEqual(
    [press(slip, "backspace", world).weight, press(slip, "backspace", world).farmer],
    ["", "raja"],
  );
  assert.equal(savedLine(typed(steady, "207⏎⏎")).quantity, 12_500);
});

test("what the scale says is nothing for flowers that are counted", () => {
  const lotus = typed(steady, "207", flowerTile("lotus"));
  assert.deepEqual([lotus.weight, lotus.fromScale], ["", false]);
  assert.equal(after(lotus, steady, flowerTile("pichi")).weight, "12.5");
});

test("a scale that moves, waits for zero or is lost fills nothing (trap 5)", () => {
  for (const state of /** @type {const} */ (["none", "lost", "waiting_zero", "moving"])) {
    const unsure = stall({ scale: { state, quantity: 12_500 } });
    assert.equal(typed(unsure, "207").weight, "", state);
    assert.equal(typed(unsure, "207", { type: "takeScale" }).effect?.kind, "tick", state);
  }
  const empty = stall({ scale: { state: "steady", quantity: 0 } });
  assert.equal(typed(empty, "207", { type: "takeScale" }).weight, "");
  const lotus = typed(stall({ scale: { state: "moving", quantity: 0 } }), "207", flowerTile("lotus"));
  assert.equal(after(lotus, steady, { type: "scale" }).weight, "", "flowers that are counted");
});

// --- The question ---------------------------------------------------------------------------

test("Save asks about 125 where 12.5 is usual, and the likely answer saves it (trap 2)", () => {
  const asked = typed(world, "207125", "save");
  assert.equal(asked.effect?.kind, "ask");
  assert.equal(asked.question?.likely, 12_500);
  assert.equal(press(asked, "save", world).effect?.kind, "tick");
  const slip = press(asked, { type: "answerQuestion", answer: "likely" }, world);
  assert.equal(savedLine(slip).quantity, 12_500);
  assert.deepEqual(slip.answered, { kind: "high", answer: "likely" });
});

test("an answer is not weighed away again by the scale", () => {
  const asked = typed(world, "207⏎125⏎");
  for (const answer of /** @type {const} */ (["likely", "edit"])) {
    const slip = press({ ...asked, fromScale: true }, { type: "answerQuestion", answer }, world);
    assert.equal(slip.fromScale, false);
  }
  assert.equal(after(asked, steady, { type: "scale" }).weight, "125");
});

test("what is right is saved as it was typed, and not asked about again (trap 2)", () => {
  const asked = typed(world, "20750", "save");
  const slip = press(asked, { type: "answerQuestion", answer: "right" }, world);
  assert.equal(savedLine(slip).quantity, 50_000);
  assert.deepEqual(slip.answered, { kind: "high", answer: "right" });
  assert.equal(slip.question, null);
  const again =
    slip.effect?.kind === "save" ? after(slip, world, { type: "putBack", slip: slip.effect.slip }) : slip;
  assert.equal(savedLine(after(again, world, "save")).quantity, 50_000);
});

test("a question that nobody answered is asked again, whatever closed it", () => {
  const asked = typed(world, "207125", "save");
  for (const other of ["⌫5", flowerTile("pichi"), farmerTile("raja")]) {
    assert.equal(after(asked, world, other).question, null);
  }
  assert.equal(after(asked, world, "⌫5", "save").effect?.kind, "ask");
  // What was right for him says nothing of the next farmer.
  const right = typed(world, "207⏎125⏎", { type: "answerQuestion", answer: "right" });
  assert.equal(savedLine(after(right, world, "save")).quantity, 125_000);
  const another = after(right, world, { type: "setRing", ring: "number" }, "207", "save");
  assert.equal(another.effect?.kind, "ask");
});

test("while it is asked the next farmer's number changes nothing; the scale and backspace do", () => {
  const asked = typed(world, "207125", { type: "setRing", ring: "number" }, "save");
  for (const other of ["318", ".", "½", "+", /** @type {const} */ ({ type: "paste", text: "12,5" })]) {
    const slip = after(asked, world, other);
    assert.deepEqual([slip.question, slip.weight, slip.farmer], [asked.question, "125", "raja"]);
    assert.equal(slip.effect?.kind, "tick");
  }
  assert.equal(after(asked, steady, { type: "takeScale" }).question, null);
  const slip = typed(world, "207125", "save", "⌫.5");
  assert.deepEqual([slip.question, slip.weight], [null, "12.5"]);
  assert.equal(savedLine(after(slip, world, "save")).quantity, 12_500);
});

test("on the desktop it is asked at the first Enter, which reflex cannot answer", () => {
  const asked = typed(world, "207⏎125⏎⏎⏎");
  assert.notEqual(asked.question, null);
  const slip = press(asked, { type: "answerQuestion", answer: "likely" }, world);
  assert.deepEqual([slip.effect, slip.ring, slip.weight], [null, "save", "12.5"]);
  assert.equal(savedLine(after(slip, world, "⏎")).quantity, 12_500);
});

test("without a likely answer the other one empties the weight", () => {
  for (const [weight, answer] of /** @type {const} */ ([
    ["50", "edit"],
    ["50", "likely"],
    ["125", "edit"],
  ])) {
    const slip = typed(world, `207${weight}`, "save", { type: "answerQuestion", answer });
    assert.deepEqual([slip.question, slip.weight, slip.ring, slip.answered], [null, "", "weight", null]);
  }
});

// --- The keyboard ---------------------------------------------------------------------------

/** @param {string} key @param {object} [more] */
function keydown(key, more = {}) {
  return keyOf(/** @type {any} */ ({ key, ...more }));
}

/** @param {string} found the selector it is inside of */
function inside(found) {
  return {
    target: {
      closest: (/** @type {string} */ selector) => (selector.split(/[:,]/)[0] === found ? {} : null),
    },
  };
}

test("keys are those of the map", () => {
  for (const [key, meant] of Object.entries({
    7: "7",
    "௭": "7",
    Enter: "enter",
    "/": "find",
    "*": "star",
    "+": "sack",
    F2: "rate",
    "-": "minus",
    Escape: "clear",
    ".": ".",
    ",": ",",
    Backspace: "backspace",
  })) {
    assert.equal(keydown(key), meant);
  }
  for (const key of ["a", "F1", "Tab", "ArrowLeft", " ", "Unidentified"])
    assert.equal(keydown(key), null, key);
});

test("keys are left alone while composing, with a modifier and in other fields", () => {
  assert.equal(keydown("Enter", { isComposing: true }), null);
  assert.equal(keydown("Enter", { keyCode: 229 }), null);
  for (const modifier of ["ctrlKey", "altKey", "metaKey"])
    assert.equal(keydown("7", { [modifier]: true }), null);
  assert.equal(keydown("7", inside("input")), null);
  assert.equal(keydown("7", inside("[data-counter-field]")), "7");
  assert.equal(keydown("Enter", inside("button")), null);
  assert.equal(keydown("7", inside("button")), "7");
});
