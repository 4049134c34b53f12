/**
 * An entry in the hand: how it stands, to be corrected, taken back, or printed, with a network or without. Loaded when
 * a bead is tapped.
 *
 * @typedef {import("./book.js").KeptLine} KeptLine
 * @typedef {import("./sync.js").Hands} Hands
 */

import { LINES, rowOf } from "./book.js";
import { paiseOf, plain, rupees, sentMoney, sentQuantity, shown } from "./figures.js";
import { linesToday, thousandthsOf } from "./lines.js";
import { marketTime } from "./rates.js";
import { dress } from "./sheet.js";
import { emptySlip, press } from "./slip.js";
import { at, flowerName, nameOf, padded, put, say } from "./view.js";

const TAMIL = document.documentElement.lang === "ta";

/** @param {Hands} hands @param {string} id of the line */
export async function openLine(hands, id) {
  const sheet = /** @type {HTMLDialogElement} */ (at("line"));
  await dress(sheet);
  if (!linesToday(hands).some((line) => line.id === id)) return;
  const draw = () => drawLine(hands, id);
  hands.book.addEventListener("change", draw);
  sheet.addEventListener("close", () => hands.book.removeEventListener("change", draw), { once: true });
  draw();
  sheet.showModal();
}

/** @param {Hands} hands @param {string} id */
function drawLine(hands, id) {
  const { book, reference } = hands;
  const line = linesToday(hands).find((each) => each.id === id);
  // Newer ones have pushed it off the string while somebody reads it: it stands as he saw it.
  if (!line) return;
  const { farmers, flowers, digits } = hands.world();
  const farmer = farmers.get(line.farmer);
  const row = book.rows.get(id);
  const unit = /** @type {import("./figures.js").Unit} */ (line.unit);
  const quantity = `${shown(thousandths(line), unit)} ${say(unit)}`;
  const { shop } = reference;
  put("line-title", say(line.status === "voided" ? "cancelled" : line.kept ? "kept" : "stands"));
  put("line-shop", (TAMIL ? shop?.name_ta : shop?.name_en) ?? "");
  put("line-who", `${farmer ? padded(farmer.number, digits) : ""} ${nameOf(farmer)}`);
  facts([
    ["line_slip", row?.slip_number ?? line.slip_number ?? ""],
    ["line_time", `${dayIn(reference)} · ${marketTime(Date.parse(line.captured_at)).time}`],
    ["line_weight", `${flowerName(flowers.get(line.flower))} ${quantity}`],
    ["line_rate", line.rate === null ? say("rate_none") : `₹${rupees(paiseOf(line.rate) ?? 0, true)}`],
    ["line_amount", line.amount === null ? "" : `₹${rupees(paiseOf(line.amount) ?? 0, true)}`],
  ]);
  const may = line.mine || reference.user?.role === "admin";
  const asks = line.kept === "needs_fix" || line.kept === "conflict";
  put("line-said", say(!may ? "line_not_mine" : "line_only_here"));
  at("line-said").hidden = may && !line.kept;
  const isOver = line.status === "voided" || asks || !may;
  at("line-correct").hidden = at("line-cancel").hidden = isOver;
  at("line-print").hidden = line.status === "voided";
  at("line-correct").onclick = () => {
    closeAll();
    hands.put(slipOf(line, hands));
  };
  at("line-cancel").onclick = () => {
    /** @type {HTMLDialogElement} */ (at("line")).close();
    hands.takeBack({ id, version: line.version, entry: row ? undefined : rowFrom(line, reference) });
  };
  at("line-print").onclick = () => print();
}

/** @param {import("./ref.js").Reference} reference @returns {string} `06-03-2026` */
function dayIn({ day }) {
  return (day?.date ?? "").split("-").reverse().join("-");
}

/** @param {[string, string][]} all word and what is said of it; nothing is left out */
function facts(all) {
  const rows = all
    .filter(([, what]) => what)
    .flatMap(([word, what]) => [
      Object.assign(document.createElement("dt"), { textContent: say(word) }),
      Object.assign(document.createElement("dd"), { textContent: what }),
    ]);
  at("line-facts").replaceChildren(...rows);
}

/** The slip is what somebody goes on with. */
function closeAll() {
  for (const open of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]")))
    open.close();
}

/** A line of the server's as a row of the tablet's. @param {KeptLine} line @param {import("./ref.js").Reference} reference */
function rowFrom(
  { farmer, flower, quantity, unit, rate, amount, version, captured_at, slip_number },
  { day },
) {
  const what = { farmer_id: farmer, flower_type: flower, quantity, unit, rate, total: amount };
  return { ...what, date: day?.date, version, captured_at, slip_number, synced: true };
}

/** @param {KeptLine} line */
function thousandths({ quantity }) {
  return thousandthsOf(quantity);
}

/** A line of the book on the slip: saving it corrects it. @param {KeptLine} line @param {Hands} hands */
function slipOf(line, hands) {
  const made = withWhoAndWhat(line.id, line.farmer, line.flower, hands);
  const quantity = thousandths(line);
  const rate = line.rate === null ? null : paiseOf(line.rate);
  const { version, farmer, flower } = line;
  return {
    ...made,
    weight: plain(quantity),
    settled: [quantity],
    // It keeps the rate it has: the board of now does not touch it.
    rateText: line.rate,
    reason: rate === made.rate ? null : /** @type {const} */ ("other"),
    corrects: { version, farmer, flower, quantity, rate },
  };
}

/** A line that the server could not use, on the slip again. @param {any} row of the tablet's entries @param {Hands} hands */
export function mend({ id, facts: said }, hands) {
  const made = withWhoAndWhat(id, said.farmer, said.flower, hands);
  const sacks = (said.sack_weights ?? [said.gross_quantity ?? said.quantity]).map(
    (/** @type {string} */ sack) => Math.round(Number(sack) * 1000),
  );
  const weight = plain(sacks.at(-1) ?? 0);
  const { rate: rateText = null, rate_reason: reason = null } = said;
  hands.put({ ...made, weight, sacks: sacks.slice(0, -1), rateText, reason });
}

/** @param {string} id @param {string} farmer @param {string} flower @param {Hands} hands */
function withWhoAndWhat(id, farmer, flower, { world }) {
  const now = world();
  const made = press({ ...emptySlip(now), id }, { type: "chooseFarmer", farmer }, now);
  return press(made, { type: "chooseFlower", flower }, now);
}

/**
 * What a person has put right in a line that stands: onto the tablet's disk, or where there is none to the server.
 *
 * @param {import("./book.js").Book} book @param {import("./slip.js").Line} line
 * @param {import("./slip.js").Corrects} before @returns {Promise<import("./book.js").Result>}
 */
export async function correct(book, line, before) {
  const { id } = line;
  const { reference, outbox } = book;
  const { version } = before;
  const set = changesOf(line, before);
  if (!outbox) {
    const body = { version, ...set };
    return book.post(`${LINES}${id}/`, crypto.randomUUID(), id, body, { method: "PATCH" });
  }
  const [known] = await outbox.entries([id]);
  const { status, captured_at } = linesToday({ book, reference }).find((each) => each.id === id) ?? {};
  const standing = { date: reference.day?.date, status, captured_at, synced: true };
  return book.keep({
    operation: "UPDATE",
    entity_id: id,
    base_version: version,
    set,
    captured: reference.stamp(reference.now()),
    entry: { ...(known ? {} : standing), ...rowOf(line), version: null },
  });
}

/** What of a line is another now, as PATCH daily-entries reads it. @param {import("./slip.js").Line} line @param {import("./slip.js").Corrects} before */
function changesOf({ farmer, flower, unit, sacks, quantity, rate, quoted, reason }, before) {
  /** @type {Record<string, any>} */
  const set = {};
  if (farmer !== before.farmer) set.farmer = farmer;
  if (flower !== before.flower) set.flower = flower;
  // Without its sacks: they are taken as they stand.
  if (quantity !== before.quantity)
    Object.assign(
      set,
      unit === "kg" && sacks.length > 1
        ? { sack_weights: sacks.map(sentQuantity), sacks: sacks.length }
        : { quantity: sentQuantity(quantity) },
    );
  // Another flower is priced by its own board, unless somebody typed a rate.
  const isOther = flower === before.flower ? quoted !== before.rate : rate !== null;
  if (isOther && quoted !== null)
    Object.assign(set, { rate: sentMoney(quoted), rate_reason: reason ?? "other" });
  return set;
}
