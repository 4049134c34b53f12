/**
 * What is only on this tablet, entry by entry, and what a person can do about it. Loaded when the pill is tapped.
 *
 * @typedef {object} Hands what a sheet may do at the counter
 * @property {import("./book.js").Book} book
 * @property {import("./ref.js").Reference} reference
 * @property {() => import("./slip.js").World} world
 * @property {"" | "loose" | "full"} risk of the tablet's storage
 * @property {() => void} draw
 * @property {import("./scale.js").Scale} scale
 * @property {() => boolean} weigh the scale reads something else; whether that was looked at
 * @property {() => boolean} isInHand whether a slip has been begun, or is being written
 * @property {(panel: import("./view.js").Panel | null) => void} tell says something in place of the flowers
 * @property {(slip: import("./slip.js").Slip) => void} put a slip to go on with, unless another is in hand
 * @property {(line: {id: string, version: number | null, entry?: object}) => void} takeBack strikes a line out
 * @property {string | null} farmer of the slip
 * @property {(farmer: string) => void} choose puts a farmer on the slip
 */
import { sealed } from "../leaving.js";
import { decide } from "./decide.js";
import { openFarmer } from "./farmer.js";
import { paiseOf, plain, rupees, shown } from "./figures.js";
import { mend } from "./line.js";
import { openFee, openMoney } from "./money.js";
import { marketTime } from "./rates.js";
import { openSettlement, periodIn } from "./settlement.js";
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
  const ids = [...new Set(waiting.filter((op) => op.operation !== "RESOLVE").map((op) => op.entity_id))];
  const rows = outbox ? await outbox.entries(ids) : [];
  // In the order in which they go.
  rows.sort(
    (/** @type {any} */ one, /** @type {any} */ other) => ids.indexOf(one.id) - ids.indexOf(other.id),
  );
  const conflicts = outbox ? await outbox.ledger.read(["conflicts"], all) : [];
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
  at("sync-list").replaceChildren(
    ...rows.map((/** @type {any} */ row) =>
      itemOf(
        row,
        hands,
        conflicts.find((/** @type {any} */ { entity_id }) => entity_id === row.id),
      ),
    ),
  );
}

/** @param {any} tx */
function all(tx) {
  return tx.objectStore("conflicts").getAll();
}

/** @param {any} row @param {Hands} hands @param {any} conflict about it, if there is one */
function itemOf(row, hands, conflict) {
  const { book, reference, world, takeBack } = hands;
  const template = /** @type {HTMLTemplateElement} */ (at("t-kept"));
  const item = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  const [number, name, what, state, reason] = [".tok", ".nm", ".vl", ".tag", ".why"].map(
    (each) => /** @type {HTMLElement} */ (item.querySelector(each)),
  );
  const now = world();
  const { who: farmer, text, again } = aboutOf(row, hands);
  const op = book.waiting.find((each) => each.entity_id === row.id);
  number.textContent = farmer ? padded(farmer.number, now.digits) : "";
  name.textContent = nameOf(farmer);
  what.textContent = text;
  const isOwner = reference.user?.role === "admin";
  const isDecided = op?.status === "conflict" && conflict?.choice;
  const isAsked = op?.status === "conflict" && !isDecided;
  const status = isDecided ? "queued" : (op?.status ?? "queued");
  item.dataset.kept = status;
  item.classList.toggle("void", row.status === "voided");
  const isTried = status === "queued" && op && op.retry_count > 0;
  state.textContent = say(`sync_${isTried ? "stalled" : status}`);
  reason.textContent =
    op?.status === "needs_fix"
      ? (op.error?.detail ?? "")
      : isAsked
        ? (conflict?.error?.detail ?? (isOwner ? "" : say("sync_owner_decides")))
        : "";
  const [fix, back, leave, mine] = ["mend", "back", "leave", "mine"].map(
    (each) => /** @type {HTMLElement} */ (item.querySelector(`[data-act=${each}]`)),
  );
  fix.hidden = op?.status !== "needs_fix";
  // Somebody whose lines wait is mended, and not taken back.
  back.hidden = fix.hidden || row.entity === "farmer";
  leave.hidden = !isAsked;
  mine.hidden = !isAsked || !isOwner;
  const sheet = /** @type {HTMLDialogElement} */ (at("sync"));
  fix.onclick = () => {
    sheet.close();
    again();
  };
  back.onclick = () => takeBack(row);
  const choose = async (/** @type {"mine" | "theirs"} */ choice) => {
    const decision = { choice, reason: say("decided_reason"), captured: reference.stamp(reference.now()) };
    await decide(book.outbox, conflict?.op_id, decision);
    book.outbox.drain();
  };
  leave.onclick = () => choose("theirs");
  mine.onclick = () => choose("mine");
  return item;
}

/** What an entry is about, in words, and what mends it. @param {any} row @param {Hands} hands @returns {{who: any, text: string, again: () => void}} */
function aboutOf(row, hands) {
  const { farmers, flowers } = hands.world();
  if (row.entity === "farmer")
    return { who: row, text: say("farmer_new"), again: () => openFarmer(hands, { row }) };
  const who = farmers.get(row.farmer_id);
  const { facts } = row;
  if (row.entity === "movement") {
    const text = `${say(`kind_${facts.kind}`)} · ₹${rupees(paiseOf(facts.amount) ?? 0, true)}`;
    return { who, text, again: () => openMoney(hands, { row }) };
  }
  if (row.entity === "charge") {
    const fee = nameOf(hands.reference.fees.find(({ id }) => id === facts.fee));
    const text = `${fee} × ${plain(Math.round(Number(facts.quantity) * 1000))}`;
    return { who, text, again: () => openFee(hands, { row }) };
  }
  if (row.entity === "settlement") {
    const text = `${say("settle_title")} · ${periodIn(facts)}`;
    return { who, text, again: () => openSettlement(hands, { row }) };
  }
  const quantity = shown(Math.round(Number(row.quantity) * 1000), row.unit);
  const amount = row.total === null ? say("rate_none") : `₹${rupees(paiseOf(row.total) ?? 0, true)}`;
  const text = `${flowerName(flowers.get(row.flower_type))} ${quantity} ${say(row.unit)} · ${amount}`;
  return { who, text, again: () => mend(row, hands) };
}
