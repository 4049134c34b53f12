/**
 * What the counter knows, drawn. Nothing here decides: it reads a slip and puts it on the page.
 *
 * @typedef {import("./slip.js").Slip} Slip
 * @typedef {import("./slip.js").World} World
 * @typedef {import("./slip.js").Farmer} Farmer
 * @typedef {import("./slip.js").Flower} Flower
 * @typedef {import("./slip.js").Done} Done
 * @typedef {import("./question.js").Question} Question
 *
 * @typedef {object} Answer one thing to tap under what is asked or said
 * @property {string} label
 * @property {string} [figure] stands above the label, large
 * @property {boolean} [best] the likely one
 * @property {string} [href] a place to go instead of something to do
 * @property {() => void} [act]
 *
 * @typedef {object} Panel stands where the flowers were
 * @property {string} kind ask, off, refused, calm or reasons; how it looks
 * @property {string} title
 * @property {string} text
 * @property {Answer[]} answers
 *
 * @typedef {object} Bead a line of today on the string
 * @property {string} id
 * @property {string} glyph
 * @property {string} amount
 * @property {string} who
 * @property {string} name
 * @property {string} what
 * @property {boolean} isVoid
 * @property {string} kept how it waits on the tablet; empty: the server has it
 */

import { grouped, paiseOf, plain, quantityOf, rupees, shown } from "./figures.js";
import { amountIn, isEmpty, missingOf, petalsOf, quantityIn, rateIn } from "./slip.js";

const REASONS = ["quality", "wet", "agreed", "wrong_rate", "other"];
const TILES = 11;
const PARTS = ["farmer", "flower", "weight", "rate"];

/** @type {Record<string, string>} */
export const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
export const language = document.documentElement.lang === "en" ? "en" : "ta";

/** A sentence of the page's language, filled in. @param {string} name @param {Record<string, string | number>} [values] */
export function say(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

/** Where the page's elements are: out of the document while it is locked. @type {Document | DocumentFragment} */
let home = document;

/** @param {Document | DocumentFragment} place */
export function moveTo(place) {
  home = place;
}

/** @param {string} id @returns {HTMLElement} */
export function at(id) {
  return /** @type {HTMLElement} */ (home.getElementById(id));
}

/** @param {Element | string} where @param {string} text */
export function put(where, text) {
  const element = typeof where === "string" ? at(where) : where;
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A name in the page's language, or in the other one, marked as such, where that is all there is.
 *
 * @param {Element} element @param {string} ta @param {string} en
 */
function putName(element, ta, en) {
  const [own, other] = language === "ta" ? [ta, en] : [en, ta];
  put(element, own || other);
  if (own || !other) element.removeAttribute("lang");
  else element.setAttribute("lang", language === "ta" ? "en" : "ta");
}

/** @param {Pick<Farmer, "name_ta" | "name_en"> | undefined} farmer or a fee */
export function nameOf(farmer) {
  if (!farmer) return "";
  return (language === "ta" ? farmer.name_ta || farmer.name_en : farmer.name_en || farmer.name_ta) || "";
}

/** @param {Flower | undefined} flower */
export function flowerName(flower) {
  if (!flower) return "";
  const [ta, en] = [flower.short_ta || flower.name_ta, flower.short_en || flower.name_en];
  return language === "ta" ? ta || en : en || ta;
}

/** @param {number} number @param {number} digits */
export function padded(number, digits) {
  return String(number).padStart(digits, "0");
}

/** @param {SVGUseElement | null | undefined} use @param {string} glyph */
export function bloom(use, glyph) {
  const href = `${use?.getAttribute("href")?.split("#")[0]}#${glyph || "poo"}`;
  if (use && use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** @param {string} id @returns {HTMLElement} */
function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ (at(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** A list is built anew only when it is another one; what it was is kept on it. @param {HTMLElement} list @param {string} signature */
function changed(list, signature) {
  if (list.dataset.drawn === signature) return false;
  list.dataset.drawn = signature;
  return true;
}

/** The clock, the slot and the connection. @param {{time: string, slot: import("./ref.js").Slot | null}} now */
export function drawClock({ time, slot }) {
  put("clock", time);
  putName(at("slot"), slot?.name_ta ?? "", slot?.name_en ?? "");
  put("hours", slot ? `${hour(slot.start)} – ${hour(slot.end)}` : "");
}

/** 04:00:00 → 4:00 @param {string} time */
function hour(time) {
  return time.slice(0, 5).replace(/^0/, "");
}

/** @param {"wait" | "ok" | "off"} net @param {string} text */
export function drawPill(net, text) {
  const pill = at("pill");
  pill.dataset.net = net;
  put("pill-words", text);
  const warning = pill.dataset.risk ? say(`disk_${pill.dataset.risk}`) : "";
  const label = [text, warning].filter(Boolean).join(". ");
  if (pill.getAttribute("aria-label") !== label) pill.setAttribute("aria-label", label);
}

/** How many entries are only here, and whether they are safe. @param {number} count @param {"" | "loose" | "full"} risk @param {boolean} isNone the tablet keeps nothing */
export function drawWaiting(count, risk, isNone) {
  const pill = at("pill");
  pill.dataset.waiting = String(count);
  pill.dataset.risk = isNone ? "none" : risk;
}

/** @param {HTMLElement} row @param {Farmer} farmer @param {number} digits */
function fillFarmer(row, farmer, digits) {
  const [number, name, village] = [".tok", ".nm", ".vl"].map(
    (each) => /** @type {Element} */ (row.querySelector(each)),
  );
  put(number, padded(farmer.number, digits));
  row.toggleAttribute("data-long", digits > 3);
  putName(name, farmer.name_ta, farmer.name_en);
  putName(village, farmer.village_ta, farmer.village_en);
  if (!farmer.is_active) put(village, [say("inactive"), village.textContent].filter(Boolean).join(" · "));
  row.toggleAttribute("data-namesakes", farmer.namesakes);
}

/** The farmers who came lately. @param {Farmer[]} farmers @param {Slip} slip @param {World} world */
export function drawRecents(farmers, slip, world) {
  const list = at("recents");
  if (changed(list, `${world.digits} ${farmers.map((farmer) => farmer.id).join()}`)) {
    list.replaceChildren(
      ...farmers.map((farmer) => {
        const row = clone("t-farmer");
        /** @type {HTMLInputElement} */ (row.querySelector("input")).value = farmer.id;
        fillFarmer(row, farmer, world.digits);
        return row;
      }),
    );
  }
  check(list, slip.farmer);
}

/** @param {HTMLElement} list @param {string | null} value */
function check(list, value) {
  for (const input of list.querySelectorAll("input"))
    if (input.checked !== (input.value === value)) input.checked = input.value === value;
}

/** The flowers, in the order this farmer brings them. @param {Slip} slip @param {World} world */
export function drawTiles(slip, world) {
  const flow = at("flow");
  const flowers = flowersOf(slip, world);
  if (changed(flow, flowers.map(tileKey).join())) {
    for (const bare of flow.querySelectorAll("span.tile")) bare.remove();
    arrange(flow, flowers.slice(0, TILES));
    at("more").hidden = flowers.length <= 3;
    flow.dataset.many = flowers.length > TILES ? "l" : flowers.length > 7 ? "m" : "s";
  }
  drawRates(flow, world);
  if (/** @type {HTMLDialogElement} */ (at("flowers")).open) drawRates(at("all"), world);
  check(flow, slip.flower);
}

/** All of them, on the sheet. Drawn when it opens: a farmer's every number would pay for it. @param {Slip} slip @param {World} world */
export function drawAll(slip, world) {
  const all = at("all");
  all.replaceChildren(
    ...flowersOf(slip, world).map((flower) => {
      const tile = clone("t-more");
      tile.dataset.flower = flower.id;
      fillFlower(tile, flower);
      return tile;
    }),
  );
  drawRates(all, world);
}

/** @param {Slip} slip @param {World} world @returns {Flower[]} */
function flowersOf(slip, world) {
  const ids = slip.order.length ? slip.order : [...world.flowers.keys()];
  return ids.map((id) => /** @type {Flower} */ (world.flowers.get(id))).filter(Boolean);
}

/** @param {Flower} flower */
function tileKey(flower) {
  return `${flower.id} ${flower.glyph}`;
}

/** Tiles that stay keep their elements, and only those that stand elsewhere move. @param {HTMLElement} flow @param {Flower[]} flowers */
function arrange(flow, flowers) {
  const drawn = /** @type {NodeListOf<HTMLElement>} */ (flow.querySelectorAll("label.tile"));
  const old = new Map([...drawn].map((tile) => [tile.dataset.drawn, tile]));
  const tiles = flowers.map((flower) => old.get(tileKey(flower)) ?? tileOf(flower));
  for (const tile of drawn) if (!tiles.includes(tile)) tile.remove();
  let place = flow.querySelector(".tile");
  for (const tile of tiles) {
    if (tile === place) place = tile.nextElementSibling;
    else place?.before(tile);
  }
}

/** @param {Flower} flower */
function tileOf(flower) {
  const tile = clone("t-tile");
  tile.dataset.drawn = tileKey(flower);
  tile.dataset.flower = flower.id;
  /** @type {HTMLInputElement} */ (tile.querySelector("input")).value = flower.id;
  fillFlower(tile, flower);
  return tile;
}

/** @param {HTMLElement} list of tiles @param {World} world */
function drawRates(list, world) {
  for (const tile of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("[data-flower]"))) {
    const rate = world.rateAt(tile.dataset.flower ?? "", world.now);
    put(
      /** @type {Element} */ (tile.querySelector(".rt")),
      rate === null ? say("rate_none") : `₹${rupees(rate, true)}`,
    );
  }
}

/** @param {HTMLElement} tile @param {Flower} flower */
function fillFlower(tile, flower) {
  const name = /** @type {Element} */ (tile.querySelector(".nm"));
  bloom(tile.querySelector("use"), flower.glyph);
  putName(name, flower.short_ta || flower.name_ta, flower.short_en || flower.name_en);
  const letters = (name.textContent ?? "").length;
  tile.toggleAttribute("data-long", letters > 11);
  tile.toggleAttribute("data-two", letters > 14); // on two lines
}

/** The slip itself, the number field and Save. @param {Slip} slip @param {World} world @param {{isSaved: boolean, isLooking: boolean}} now */
export function drawSlip(slip, world, { isSaved, isLooking }) {
  const farmer = slip.farmer === null ? undefined : world.farmers.get(slip.farmer);
  const flower = slip.flower === null ? undefined : world.flowers.get(slip.flower);
  const unit = flower?.unit ?? "kg";
  at("app").dataset.ring = slip.star === null ? slip.ring : "number";
  drawNumber(slip, isSaved);
  drawWho(slip, farmer, flower, world);
  if (isLooking) put("who-name", say("looking", { number: slip.number }));

  const quantity = quantityIn(slip, world);
  const weight = at("weight");
  // Filled by the scale it is whole; typed, it is shown as it was typed.
  const text = slip.fromScale ? shown(quantityOf(slip.weight, unit) ?? 0, unit) : slip.weight;
  put(weight, text);
  weight.dataset.none = unit === "kg" ? "0.000" : "0";
  weight.toggleAttribute("data-long", text.length > 7);
  put("unit", say(unit));
  drawRange(slip, unit, quantity);
  drawMoney(slip, world, unit);
  drawSave(slip, world);
}

/** @param {Slip} slip @param {boolean} isSaved */
function drawNumber(slip, isSaved) {
  const typed = slip.star === null ? slip.number : `*${slip.star}`;
  put("number-typed", typed);
  put("number-label", say(slip.star === null ? (isSaved ? "next_number" : "number") : "flower_number"));
  const input = /** @type {HTMLInputElement} */ (at("number"));
  if (input.value !== typed) input.value = typed;
  /** @type {HTMLElement} */ (input.closest(".code")).toggleAttribute("data-none", slip.wrong);
}

/** Nothing comes: the slip no longer says that it loads. */
export function drawNobody() {
  put("who-name", "");
}

/** @param {Slip} slip @param {Farmer | undefined} farmer @param {Flower | undefined} flower @param {World} world */
function drawWho(slip, farmer, flower, world) {
  const who = /** @type {HTMLElement} */ (home.querySelector(".who"));
  at("who-number").hidden = !farmer;
  at("clear").hidden = isEmpty(slip);
  at("what").hidden = !flower;
  who.toggleAttribute("data-namesakes", farmer?.namesakes ?? false);
  if (farmer) {
    put("who-number", padded(farmer.number, world.digits));
    putName(at("who-name"), farmer.name_ta, farmer.name_en);
    putName(at("who-village"), farmer.village_ta, farmer.village_en);
    if (!farmer.is_active)
      put("who-village", [say("inactive"), at("who-village").textContent].filter(Boolean).join(" · "));
  } else {
    for (const id of ["who-name", "who-village"]) at(id).removeAttribute("lang");
    put("who-name", slip.wrong ? say("nobody", { number: slip.number }) : say("choose_farmer"));
    put("who-village", say("choose_how"));
  }
  if (flower) {
    bloom(home.querySelector("#what-glyph"), flower.glyph);
    putName(at("what-name"), flower.short_ta || flower.name_ta, flower.short_en || flower.name_en);
  }
}

/** His usual band with a petal where this one lies; or the sacks. @param {Slip} slip @param {import("./figures.js").Unit} unit @param {number | null} quantity */
function drawRange(slip, unit, quantity) {
  const { band, sacks } = slip;
  const track = at("track");
  const typed = quantityOf(slip.weight, unit);
  const all = typed ? [...sacks, typed] : sacks;
  track.hidden = sacks.length > 0 || !band;
  if (sacks.length) {
    const values = {
      count: all.length,
      sacks: all.map(plain).join(" + "),
      total: shown(quantity ?? 0, unit),
    };
    put("usual", say("sacks", values));
  } else put("usual", band ? say("usual", { low: plain(band.low), high: plain(band.high) }) : "");
  if (!band) return;
  // A track of ratios: half of the usual is as far from it as twice.
  const [from, to] = [Math.log(band.low / 8), Math.log(band.high * 4)];
  /** @param {number} value */
  const place = (value) => Math.min(97, Math.max(3, ((Math.log(value) - from) / (to - from)) * 100));
  at("band").style.left = `${place(band.low)}%`;
  at("band").style.width = `${place(band.high) - place(band.low)}%`;
  at("point").hidden = !quantity;
  if (quantity) at("point").style.left = `${place(quantity)}%`;
}

/** @param {Slip} slip @param {World} world @param {string} unit */
function drawMoney(slip, world, unit) {
  const rate = rateIn(slip);
  const amount = amountIn(slip, world);
  const typed = slip.rateText;
  const none = slip.flower === null ? "–" : say("rate_none");
  put("rate-now", typed === null ? (rate === null ? none : `₹${rupees(rate, true)}`) : `₹${typed}`);
  put("rate-unit", typed === null && rate === null ? "" : `/${say(unit)}`);
  put("rate-from", rateSource(slip));
  at("rate").setAttribute(
    "aria-label",
    say("rate_change", { rate: `${at("rate-now").textContent}${at("rate-unit").textContent}` }),
  );
  at("offer").hidden = slip.offer === null;
  if (slip.offer !== null) put("offer", say("rate_offer", { rate: rupees(slip.offer, true) }));
  put("amount", amount === null ? "–" : `₹${rupees(amount)}`);
}

/** @param {Slip} slip */
function rateSource(slip) {
  if (slip.rateText !== null) return slip.reason ? say(slip.reason) : say("rate_typed");
  if (slip.flower === null) return "";
  return say(slip.rate === null ? "rate_later" : "rate_today");
}

/** @param {Slip} slip @param {World} world */
function drawSave(slip, world) {
  const petals = petalsOf(slip, world);
  const amount = amountIn(slip, world);
  const isReady = missingOf(slip, world) === null && !slip.question;
  const save = at("save");
  save.setAttribute("aria-disabled", String(!isReady));
  save.querySelectorAll(".petals__petal").forEach((petal, index) => {
    const part = /** @type {"farmer" | "flower" | "weight" | "rate"} */ (PARTS[index]);
    // A weight that is being questioned is not ready.
    petal.classList.toggle("lit", index < 4 && petals[part] && !(slip.question && part === "weight"));
  });
  put("save-amount", amount === null || !isReady ? "" : `₹${rupees(amount, true)}`);
  put(/** @type {Element} */ (save.querySelector("b")), say(slip.corrects ? "correct" : "save"));
  put("petals-words", say("petals", { count: petals.ready }));
}

/** Save says so while a line is under way. */
export function drawSaving() {
  at("save").setAttribute("aria-disabled", "true");
  put("save-amount", say("saving"));
}

/** The petal of what is missing is shaken. @param {string} part */
export function shake(part) {
  const petal = at("save").querySelectorAll(".petals__petal")[PARTS.indexOf(part)];
  if (!petal) return;
  petal.classList.remove("shake");
  void at("save").offsetWidth; // so that the same petal can shake twice
  petal.classList.add("shake");
  setTimeout(() => petal.classList.remove("shake"), 400);
}

/** A line that is written down, for 1.2 s. @param {Done | null} done @param {World} world @param {boolean} isKept the server does not have it yet */
export function drawDone(done, world, isKept) {
  at("done").hidden = !done;
  at("slip").hidden = Boolean(done);
  if (!done) return;
  const { line, amount } = done;
  const flower = world.flowers.get(line.flower);
  put("done-title", say(isKept ? "saved_here" : "saved"));
  at("done").toggleAttribute("data-kept", isKept);
  /** @type {HTMLElement} */ (at("done-amount").parentElement).hidden = amount === null;
  put("done-amount", amount === null ? "" : rupees(amount, true));
  at("done").dataset.digits = String(Math.min(12, at("done-amount").textContent?.length ?? 0));
  const what = `${flowerName(flower)} ${shown(line.quantity, line.unit)} ${say(line.unit)}`;
  put("done-line", `${nameOf(world.farmers.get(line.farmer))} · ${what}`);
}

/** The same, to be heard. @param {Done} done @param {World} world @param {"saved" | "undone"} what */
export function sentence({ line, amount }, world, what) {
  const farmer = world.farmers.get(line.farmer);
  const name = what === "saved" ? (amount === null ? "saved_spoken_no_rate" : "saved_spoken") : "undone";
  return say(name, {
    number: farmer ? padded(farmer.number, world.digits) : "",
    name: nameOf(farmer),
    flower: flowerName(world.flowers.get(line.flower)),
    quantity: plain(line.quantity),
    unit: say(line.unit),
    amount: amount === null ? "" : rupees(amount, true),
  });
}

/** @param {string} text */
export function announce(text) {
  // Emptied first: the same sentence twice would be heard once.
  at("said").textContent = "";
  requestAnimationFrame(() => put("said", text));
}

/** What stands there now: its answers may mean another line than those of the same words before. @type {Panel | null} */
let panelNow = null;

/** What stands in place of the flowers; null: the flowers. @param {Panel | null} panel */
export function drawPanel(panel) {
  const box = at("panel");
  panelNow = panel;
  at("flow").hidden = Boolean(panel);
  box.hidden = !panel;
  at("app").dataset.state = panel?.kind ?? "ready";
  const signature = panel ? JSON.stringify(panel) : "";
  if (!panel || !changed(box, signature)) return;
  box.dataset.kind = panel.kind;
  box.setAttribute("role", panel.kind === "reasons" || panel.kind === "calm" ? "group" : "alert");
  box.setAttribute("aria-labelledby", "panel-title");
  put("panel-title", panel.title);
  put("panel-text", panel.text);
  at("panel-answers").replaceChildren(...panel.answers.map(answerOf));
}

/** @param {Answer} answer @param {number} place */
function answerOf(answer, place) {
  const element = clone(answer.href ? "t-link" : "t-answer");
  element.classList.toggle("best", answer.best ?? false);
  put(/** @type {Element} */ (element.querySelector("span")), answer.label);
  if (answer.href) /** @type {HTMLAnchorElement} */ (element).href = answer.href;
  else {
    put(/** @type {Element} */ (element.querySelector("b")), answer.figure ?? "");
    element.addEventListener("click", () => panelNow?.answers[place]?.act?.());
  }
  return element;
}

/** The question the slip is asked, in words. @param {Slip} slip @param {World} world @param {(answer: "likely" | "right" | "edit") => void} choose @returns {Panel | null} */
export function questionPanel(slip, world, choose) {
  const question = slip.question;
  if (!question) return null;
  const flower = slip.flower === null ? undefined : world.flowers.get(slip.flower);
  const unit = say(flower?.unit ?? "kg");
  const typed = plain(question.quantity);
  const text = [];
  if (question.kind === "scale" && question.likely !== null)
    text.push(say("ask_scale", { likely: shown(question.likely, flower?.unit ?? "kg") }));
  if (question.kind === "sack") text.push(say("ask_sack"));
  if (question.band)
    text.push(
      say("ask_band", {
        name: nameOf(slip.farmer === null ? undefined : world.farmers.get(slip.farmer)),
        low: plain(question.band.low),
        high: plain(question.band.high),
        unit,
        flower: flowerName(flower),
      }),
    );
  else if (question.kind === "largest") text.push(say("ask_largest", { flower: flowerName(flower) }));
  const likely = question.likely;
  return {
    kind: "ask",
    title: say("ask", { quantity: typed, unit }),
    text: text.join(" "),
    answers: [
      likely === null
        ? { label: say("ask_edit"), best: true, act: () => choose("edit") }
        : {
            figure: plain(likely),
            label: say("ask_likely", { quantity: plain(likely) }),
            best: true,
            act: () => choose("likely"),
          },
      { figure: typed, label: say("ask_right", { quantity: typed }), act: () => choose("right") },
    ],
  };
}

/** Why the rate is another one: chips, and never required. @param {Slip} slip */
export function drawReasons(slip) {
  drawPanel({ kind: "reasons", title: say("ask_reason"), text: "", answers: [] });
  const answers = at("panel-answers");
  if (!answers.childElementCount)
    answers.replaceChildren(
      ...REASONS.map((reason) => {
        const chip = clone("t-reason");
        /** @type {HTMLInputElement} */ (chip.querySelector("input")).value = reason;
        put(/** @type {Element} */ (chip.querySelector("span")), say(reason));
        return chip;
      }),
    );
  check(answers, slip.reason);
}

/** @param {import("./book.js").KeptLine} line @param {World} world @returns {Bead} */
export function beadOf(line, world) {
  const farmer = world.farmers.get(line.farmer);
  const flower = world.flowers.get(line.flower);
  const unit = /** @type {import("./figures.js").Unit} */ (line.unit);
  const paise = line.amount === null ? null : paiseOf(line.amount);
  const thousandths = Math.round(Number(line.quantity) * 1000);
  return {
    id: line.id,
    glyph: flower?.glyph ?? "poo",
    amount: paise === null ? say("rate_none") : `₹${rupees(paise, true)}`,
    who: farmer ? padded(farmer.number, world.digits) : "",
    name: nameOf(farmer),
    what: `${flowerName(flower)} ${shown(thousandths, unit)} ${say(unit)}`,
    isVoid: line.status === "voided",
    kept: line.kept ?? "",
  };
}

/** The lines of today on their string; what is only here is a bud. @param {import("./book.js").KeptLine[]} lines newest first @param {number | null} count @param {World} world */
export function drawString(lines, count, world) {
  const string = at("string");
  const beads = lines.slice(0, 4).map((line) => beadOf(line, world));
  put("count", count === null ? "–" : grouped(count));
  put("count-words", say(count === 1 ? "entry" : "entries"));
  if (!changed(string, JSON.stringify(beads))) return;
  string.replaceChildren(
    ...beads.map((bead) => {
      const item = clone("t-bead");
      const [who, name] = item.querySelectorAll("p b, p span");
      const [, what] = item.querySelectorAll("p");
      const tag = /** @type {Element} */ (item.querySelector(".tag span"));
      item.classList.toggle("void", bead.isVoid);
      item.dataset.kept = bead.kept;
      const open = /** @type {HTMLElement} */ (item.querySelector("button"));
      open.dataset.line = bead.id;
      open.setAttribute("aria-label", `${bead.who} ${bead.name}, ${bead.what}, ${bead.amount}`);
      bloom(item.querySelector(".bead use"), bead.kept ? "bud" : bead.glyph);
      put(/** @type {Element} */ (item.querySelector(".amt")), bead.amount);
      put(who, bead.who);
      put(name, bead.name);
      put(what, bead.what);
      const asks = bead.kept === "needs_fix" || bead.kept === "conflict";
      put(tag, say(bead.isVoid ? "cancelled" : asks ? "asks" : bead.kept ? "kept" : "stands"));
      tag.classList.toggle("vh", !bead.isVoid && !bead.kept);
      return item;
    }),
  );
}

/** What Undo would take back. @param {Done | undefined} done @param {World} world */
export function drawUndo(done, world) {
  at("undo").hidden = !done;
  if (!done) return;
  const farmer = world.farmers.get(done.line.farmer);
  const what =
    done.amount === null
      ? `${shown(done.line.quantity, done.line.unit)} ${say(done.line.unit)}`
      : `₹${rupees(done.amount, true)}`;
  put("undo-what", `${farmer ? padded(farmer.number, world.digits) : ""} · ${what}`);
}

/** @param {Farmer[]} farmers @param {World} world @param {boolean} isAsked */
export function drawFound(farmers, world, isAsked) {
  put(
    "find-said",
    isAsked ? (farmers.length ? say("found", { count: farmers.length }) : say("found_none")) : "",
  );
  at("found").replaceChildren(
    ...farmers.map((farmer) => {
      const item = clone("t-found");
      const button = /** @type {HTMLElement} */ (item.querySelector("button"));
      button.dataset.farmer = farmer.id;
      fillFarmer(button, farmer, world.digits);
      return item;
    }),
  );
}

/** The chip of the scale. @param {import("./scale.js").Reading} reading @param {boolean} isThere whether this browser can have one */
export function drawScale(reading, isThere) {
  const chip = at("scale");
  chip.hidden = !isThere;
  if (!isThere) return;
  const quantity = shown(reading.quantity, "kg");
  const text = {
    none: say("scale_connect"),
    lost: say("scale_lost"),
    waiting_zero: say("scale_zero"),
    moving: say("scale_moving", { quantity }),
    steady: say("scale_steady", { quantity }),
  }[reading.state];
  put("scale-words", text);
  chip.dataset.scale = reading.state;
  at("scale-take").hidden = reading.state !== "steady";
}
