/**
 * Today, as far as this tablet knows it: by flower, by slot, by farmer, and line by line. Loaded when the count is tapped.
 *
 * @typedef {import("./sync.js").Hands} Hands
 * @typedef {import("./lines.js").Sum} Sum
 */
import { plain, rupees } from "./figures.js";
import { openLine } from "./line.js";
import { linesToday, summed, summedBy } from "./lines.js";
import { marketTime, slotAt } from "./rates.js";
import { dress } from "./sheet.js";
import { at, beadOf, bloom, flowerName, nameOf, padded, say } from "./view.js";

/** @param {Hands} hands */
export async function openReport(hands) {
  const { book, reference } = hands;
  const sheet = /** @type {HTMLDialogElement} */ (at("day"));
  await dress(sheet);
  const draw = () => drawDay(hands);
  const closed = new AbortController();
  const { signal } = closed;
  for (const told of [book, reference]) told.addEventListener("change", draw, { signal });
  sheet.addEventListener("close", () => closed.abort(), { once: true });
  at("day-lines").onclick = (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button?.dataset.line) openLine(hands, button.dataset.line);
  };
  draw();
  sheet.showModal();
  // Where nobody answers, it stays what the tablet knows.
  reference.refresh(["day", "lines"]);
}

/** @param {Hands} hands */
function drawDay(hands) {
  const { reference } = hands;
  const now = hands.world();
  const lines = linesToday(hands);
  const here = lines.filter(({ kept }) => kept).length;
  const sum = summed(lines);
  const isWhole = reference.lines?.date === reference.day?.date;
  const asOf = marketTime(Date.parse((isWhole && reference.lines?.at) || reference.asOf)).time;
  const { count } = hands.book.linesOf(reference.day);
  const said = [say(here ? "day_as_of_here" : "day_as_of", { time: asOf, count: here })];
  if (count !== null && count > sum.lines) said.push(say("day_part", { known: sum.lines, count }));
  if (sum.unpriced) said.push(say("day_unpriced", { count: sum.unpriced }));
  at("day-said").textContent = said.join(" ");
  at("day-sum").textContent =
    `${sum.lines} ${say(sum.lines === 1 ? "entry" : "entries")} · ${weight(sum)} · ${money(sum)}`;
  const flowers = summedBy(lines, ({ flower }) => flower).map(([id, each]) => {
    const flower = now.flowers.get(id);
    return [flowerName(flower), `${plain(each.thousandths)} ${say(flower?.unit ?? "kg")}`, money(each)];
  });
  const slots = summedBy(lines, (line) => slotAt(reference.slots, Date.parse(line.captured_at))?.id ?? "");
  const farmers = summedBy(lines, ({ farmer }) => farmer).map(([id, each]) => {
    const farmer = now.farmers.get(id);
    const number = farmer ? padded(farmer.number, now.digits) : "";
    return [`${number} ${nameOf(farmer)}`, weight(each), money(each)];
  });
  fill("day-flowers", flowers);
  fill(
    "day-slots",
    slots.map(([id, each]) => {
      const slot = reference.slots.find((one) => one.id === id);
      return [nameOf(slot) || say("day_no_slot"), weight(each), money(each)];
    }),
  );
  fill("day-farmers", farmers);
  at("day-lines").replaceChildren(...lines.map((line) => rowOf(line, now)));
}

/** @param {Sum} sum */
function weight({ grams }) {
  return `${plain(grams)} ${say("kg")}`;
}

/** @param {Sum} sum */
function money({ paise }) {
  return `₹${rupees(paise, true)}`;
}

/** @param {string} id of the table's body @param {string[][]} rows what it is of, how much, for how much */
function fill(id, rows) {
  at(id).replaceChildren(
    ...rows.map(([name, ...figures]) => {
      const row = document.createElement("tr");
      const head = Object.assign(document.createElement("th"), { scope: "row", textContent: name });
      const cells = figures.map((text) => Object.assign(document.createElement("td"), { textContent: text }));
      row.append(head, ...cells);
      return row;
    }),
  );
  /** @type {HTMLElement} */ (at(id).closest("table")).hidden = !rows.length;
}

/** @param {import("./book.js").KeptLine} line @param {import("./slip.js").World} world */
function rowOf(line, world) {
  const template = /** @type {HTMLTemplateElement} */ (at("t-entry"));
  const item = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const bead = beadOf(line, world);
  const time = marketTime(Date.parse(line.captured_at)).time;
  const [who, what, amount] = [".nm", ".vl", ".sum"].map(
    (each) => /** @type {Element} */ (item.querySelector(each)),
  );
  item.classList.toggle("void", bead.isVoid);
  item.dataset.kept = bead.kept;
  /** @type {HTMLElement} */ (item.querySelector("button")).dataset.line = line.id;
  bloom(item.querySelector("use"), bead.kept ? "bud" : bead.glyph);
  who.textContent = `${bead.who} ${bead.name}`;
  const state = bead.isVoid
    ? say("cancelled")
    : bead.kept === "needs_fix" || bead.kept === "conflict"
      ? say("asks")
      : bead.kept
        ? say("kept")
        : "";
  what.textContent = [time, bead.what, state].filter(Boolean).join(" · ");
  amount.textContent = bead.amount;
  return item;
}
