/**
 * What is only on this tablet, entry by entry, and what a person can do about it. Loaded when the pill is tapped.
 *
 * @typedef {object} Hands what a sheet may do at the counter
 * @property {import("./book.js").Book} book
 * @property {import("./ref.js").Reference} reference
 * @property {() => import("./slip.js").World} world
 * @property {"" | "loose" | "full"} risk of the tablet's storage
 * @property {(slip: import("./slip.js").Slip) => void} put a slip to go on with, unless another is in hand
 * @property {(line: {id: string, version: number}) => void} takeBack strikes a line out
 */
import { sealed } from "../leaving.js";
import { paiseOf, rupees, shown } from "./figures.js";
import { mend } from "./line.js";
import { marketTime } from "./rates.js";
import { dress } from "./sheet.js";
import { at, flowerName, nameOf, padded, say } from "./view.js";

const OBSTACLES = {
  signed_out: "sync_signed_out",
  other: "sync_other",
  old: "sync_old",
  blocked: "sync_tablet_blocked",
  held: "sync_held",
};

/** @param {Hands} hands */
export async function openSync(hands) {
  const { book } = hands;
  const sheet = /** @type {HTMLDialogElement} */ (at("sync"));
  await dress(sheet);
  const draw = () => drawAll(hands);
  book.addEventListener("change", draw);
  sheet.addEventListener("close", () => book.removeEventListener("change", draw), { once: true });
  at("send-now").onclick = () => {
    hands.reference.again();
    book.outbox?.drain({ isNewRound: true });
  };
  draw();
  sheet.showModal();
}

/** @param {Hands} hands */
async function drawAll(hands) {
  const { book, reference, risk } = hands;
  const { waiting, outbox } = book;
  const ids = [...new Set(waiting.map((op) => op.entity_id))];
  const rows = outbox ? await outbox.entries(ids) : [];
  at("sync-title").textContent = ids.length
    ? say("pill_kept", { count: ids.length })
    : say(book.isOnlineOnly ? "disk_none" : "sync_none", { time: marketTime(reference.now()).time });
  const obstacle = /** @type {keyof typeof OBSTACLES | ""} */ (outbox?.obstacle ?? "");
  const why = obstacle ? OBSTACLES[obstacle] : ids.length ? "sync_by_itself" : "";
  at("sync-said").textContent = why && say(why);
  at("sync-disk").hidden = !risk || book.isOnlineOnly;
  at("sync-disk").textContent = risk && say(`disk_${risk}`);
  const boxes = await sealed();
  at("sync-sealed").hidden = !boxes;
  at("sync-sealed").textContent = boxes ? say("sync_sealed", { count: boxes }) : "";
  at("send-now").hidden = !ids.length;
  at("sync-list").replaceChildren(...rows.map((/** @type {any} */ row) => itemOf(row, hands)));
}

/** @param {any} row @param {Hands} hands */
function itemOf(row, hands) {
  const { book, world, takeBack } = hands;
  const template = /** @type {HTMLTemplateElement} */ (at("t-kept"));
  const item = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const [number, name, what, state, reason] = [".tok", ".nm", ".vl", ".tag", ".why"].map(
    (each) => /** @type {HTMLElement} */ (item.querySelector(each)),
  );
  const now = world();
  const farmer = now.farmers.get(row.farmer_id);
  const op = book.waiting.find((each) => each.entity_id === row.id);
  const quantity = shown(Math.round(Number(row.quantity) * 1000), row.unit);
  const amount = row.total === null ? say("rate_none") : `₹${rupees(paiseOf(row.total) ?? 0, true)}`;
  number.textContent = farmer ? padded(farmer.number, now.digits) : "";
  name.textContent = nameOf(farmer);
  what.textContent = `${flowerName(now.flowers.get(row.flower_type))} ${quantity} ${say(row.unit)} · ${amount}`;
  item.dataset.kept = op?.status ?? "";
  item.classList.toggle("void", row.status === "voided");
  const isTried = op?.status === "queued" && op.retry_count > 0;
  state.textContent = say(`sync_${isTried ? "stalled" : (op?.status ?? "queued")}`);
  reason.textContent = op?.status === "needs_fix" ? (op.error?.detail ?? "") : "";
  const [fix, back, leave] = ["mend", "back", "leave"].map(
    (each) => /** @type {HTMLElement} */ (item.querySelector(`[data-act=${each}]`)),
  );
  fix.hidden = op?.status !== "needs_fix";
  back.hidden = fix.hidden;
  leave.hidden = op?.status !== "conflict";
  const sheet = /** @type {HTMLDialogElement} */ (at("sync"));
  fix.onclick = () => {
    sheet.close();
    mend(row, hands);
  };
  back.onclick = () => takeBack(row);
  leave.onclick = () => book.outbox.letGo(op?.id);
  return item;
}
