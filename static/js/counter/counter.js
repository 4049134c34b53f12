/**
 * The counter: what happens on the page goes to the slip, and what becomes of it back onto the page.
 *
 * @typedef {import("./slip.js").Slip} Slip
 * @typedef {import("./slip.js").Key} Key
 * @typedef {import("./slip.js").Happening} Happening
 * @typedef {import("./slip.js").Line} Line
 * @typedef {import("./slip.js").Done} Done
 * @typedef {import("./slip.js").Farmer} Farmer
 * @typedef {import("./slip.js").World} World
 * @typedef {import("./view.js").Panel} Panel
 */
import "../back.js";
import { isLocked } from "../left.js";
import { Book, doneOf, isSame, painted } from "./book.js";
import { draft, forgetDraft, keepDraft, storage } from "./draft.js";
import { paiseOf, rupees, sentQuantity } from "./figures.js";
import { first } from "./first.js";
import { Tally } from "./question.js";
import { marketTime, sentMoment } from "./rates.js";
import { Reference } from "./ref.js";
import { canRead, Scale } from "./scale.js";
import { Shelf } from "./shelf.js";
import { emptySlip, isEmpty, keyOf, press, quantityIn, wantsReason } from "./slip.js";
import { Sounds } from "./sounds.js";
import * as view from "./view.js";
import { WetGlass } from "./wet.js";

const { at, say, words } = view;
const SHOWN_MS = 1200;
const LATCH_MS = 600;
const SAVING_MS = 100;
const RECENTS = 8;
/** Keys pressed while a line is written or nothing is loaded yet. */
const WAITING = 60;
/** What means what is on the screen now, which will be gone by then. */
const NEVER_WAITS = new Set(["save", "undo", "minus", "clear", "answerQuestion", "clearAnyway"]);
/** So long a line may be under way before it is said that it is only here. */
const UNDER_WAY_MS = 1000;
/** How often, and for how long, somebody unknown is looked for on the server. */
const LOOK_EVERY_MS = 5000;
const LOOK_MS = 2000;
const LATE_MS = 5000;

/** The scripts of static/js/offline/; null where they did not come. @type {any} */
const offline = /** @type {any} */ (self).malarOffline?.Outbox
  ? /** @type {any} */ (self).malarOffline
  : null;
const reference = new Reference({
  shelf: offline && new Shelf(offline),
  heartbeat: offline?.settings.heartbeat,
});
const book = new Book(reference);
const tally = new Tally(storage(() => localStorage));
const sounds = new Sounds(storage(() => localStorage));
const scale = new Scale();
const glass = new WetGlass();

/** @type {Slip} */
let slip = emptySlip(null);
/** Being written; it stays on the page until the answer is there. @type {Slip | null} */
let sent = null;
/** @type {Done | null} */
let shownDone = null;
/** What is to be said in place of the flowers. @type {Panel | null} */
let notice = null;
/** @type {Farmer[]} */
let recents = [];
/** null: more than could be kept, so that none of it counts. @type {(Key | Happening)[] | null} */
let waiting = [];
/** How long numbers are. @type {3 | 4} */
let digits = 3;
let isLooking = false;
let lookedAt = -Infinity;
/** The slip of which an earlier try stands in the book. */
let arrived = "";
/** The slip Save was tapped for last, and until when a tap for it is a trembling finger. */
let latched = { id: "", until: 0 };
let isUndoing = false;
/** The last thing sent did not arrive. */
let isCutOff = false;
let hasBegun = false;
/** Lines that were taken back here, until the server has said so too. @type {Set<string>} */
const takenBack = new Set();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let closing;
/** @type {Farmer[] | undefined} */
let known;

/** @returns {World} */
function world() {
  const known = reference.world();
  // Numbers become longer between two slips, not in the middle of one.
  if (isEmpty(sent ?? slip)) digits = known.digits;
  return { ...known, digits, scale: scale.reading(), asks: (kind) => tally.asks(kind) };
}

/** Whether there is anything to choose from. */
function isLoaded() {
  return reference.asOf !== "";
}

/** One key, tap or choice of the clerk. @param {Key | Happening} key */
function act(key) {
  if (isBusy()) {
    if (!waiting || NEVER_WAITS.has(typeof key === "string" ? key : key.type)) sounds.play("tick");
    else if (waiting.length < WAITING) waiting.push(key);
    else {
      waiting = null;
      sounds.play("failure");
    }
    return;
  }
  const told = notice;
  notice = null;
  closeDone();
  change(key);
  // A key that did nothing takes no word off the screen.
  if (told && slip.effect?.kind === "tick") {
    notice = told;
    draw();
  }
}

function isBusy() {
  return sent !== null || isLooking || !isLoaded();
}

/** What was pressed meanwhile. */
function replay() {
  if (isBusy()) return;
  const keys = waiting ?? [];
  waiting = [];
  for (const key of keys) act(key);
}

/** Somebody may have been added elsewhere: the server is asked before it is said that nobody has the number. @param {import("./slip.js").Effect} effect */
async function lookAgain(effect) {
  if (performance.now() - lookedAt < LOOK_EVERY_MS) {
    perform(effect);
    return;
  }
  lookedAt = performance.now();
  isLooking = true;
  await Promise.race([
    reference.refresh(["farmers"]),
    new Promise((go) => {
      setTimeout(go, LOOK_MS);
    }),
  ]);
  isLooking = false;
  if (slip.wrong) perform(effect);
  draw();
  replay();
}

/** The same for what happens by itself: what is shown stays. @param {Key | Happening} key */
function change(key) {
  slip = press(slip, key, world());
  if (slip.answered) tally.count(slip.answered.kind, slip.answered.answer);
  const { effect } = slip;
  if (slip.farmer && slip.weight) book.prepare();
  if (slip.wrong && effect?.kind === "missing") lookAgain(effect);
  else if (effect) perform(effect);
  if (!sent) draw();
  else {
    // While the disk is at it. Mostly it is there before anybody could see that it is being written.
    setTimeout(() => keepDraft(reference, sent ?? slip, world()));
    setTimeout(() => sent && draw(), SAVING_MS);
  }
}

/** @param {import("./slip.js").Effect} effect */
function perform(effect) {
  switch (effect.kind) {
    case "save":
      write(effect.line, effect.slip);
      break;
    case "missing":
      if (slip.wrong) notice = nobody(slip.number);
      view.shake(effect.part === "reason" ? "rate" : effect.part);
      view.announce(say(`missing_${effect.part}`));
      sounds.play("tick");
      break;
    case "unsure":
      notice = slip.id === arrived ? earlier() : notSure(clearAnyway());
      sounds.play("question");
      break;
    case "ask":
      sounds.play("question");
      break;
    case "sack":
      scale.taken();
      break;
    case "undo":
      takeBack(effect.done);
      break;
    case "find":
      openFind();
      break;
    case "tick":
      sounds.play("tick");
      break;
  }
}

/** @param {Line} made @param {Slip} before as it stood, with everything in it */
async function write(made, before) {
  const asleep = reference.now();
  if (!reference.isClockSure) {
    sent = before;
    await reference.findTime();
    made = { ...made, at: made.at + reference.now() - asleep };
  }
  const { tried } = before;
  const { dayOf } = world();
  // The same slip again must be the same request: the first one may have arrived, only its answer did not.
  const isAgain = tried && isSame(made, tried) && dayOf(tried.at) === dayOf(made.at);
  const line = isAgain ? { ...made, at: tried.at } : made;
  // A page that ends now tries it again as it was sent.
  sent = { ...before, tried: line };
  latched = { id: before.id, until: performance.now() + LATCH_MS };
  const { corrects } = line;
  const result = !corrects
    ? await book.write(line)
    : await import("./sheets.js").then(
        ({ correct }) => correct(book, line, corrects),
        () => /** @type {const} */ ({ kind: "unreachable" }),
      );
  sent = null;
  isCutOff = result.kind === "unreachable";
  if (result.kind === "ok") {
    const done = doneOf(line, result.entry);
    const rate = result.entry.rate === null ? null : paiseOf(result.entry.rate);
    scale.taken();
    sounds.play(rate === line.quoted ? "saved" : "question");
    view.announce(view.sentence(done, world(), "saved"));
    remember(line, result.entry);
    showDone(done);
    if (!line.corrects) slip = press(slip, { type: "written", done }, world());
    // That it is saved is on the glass before the page makes itself ready for the next one.
    drawSaved();
    drawPill();
    painted().then(draw);
    if (book.isOnlineOnly) reference.refresh(["day"]);
    replay();
    if (rate !== line.quoted) {
      notice = otherRate(done, rate);
      draw();
    }
  } else {
    waiting = [];
    sounds.play("failure");
    const { kind } = result;
    // What the book refuses is not in it.
    const isOut = kind === "refused" && result.problem.status === 422 && !isEarlier(result.problem);
    const after = { ...before, tried: kind === "unreachable" ? line : isOut ? null : tried };
    change({ type: "putBack", slip: after });
    notice = whyNot(result, line);
    draw();
  }
}

/** A rate was called that this tablet did not know yet. @param {Done} done @param {number | null} rate paise @returns {Panel} */
function otherRate(done, rate) {
  const [written, quoted] = [rate, done.line.quoted].map((paise) =>
    paise === null ? say("no_rate") : `₹${rupees(paise, true)}`,
  );
  const undo = () => {
    dismiss();
    takeBack(done);
  };
  const answers = [
    { label: say("undo"), act: undo },
    { label: say("right"), best: true, act: dismiss },
  ];
  return { kind: "ask", title: say("other_rate", { written, quoted }), text: "", answers };
}

/** A line just written hangs on the string at once; the next refresh says the same. @param {Line} line @param {import("./book.js").Entry} entry */
function remember(line, entry) {
  const { day } = reference;
  const came = reference.farmers.get(line.farmer);
  // A farmer who is there already keeps his place: nothing moves under the finger.
  if (came && !recents.includes(came)) recents = [came, ...recents].slice(0, RECENTS);
  if (!day || !book.isOnlineOnly) return;
  const { id, farmer, flower, unit } = line;
  const { amount, rate, status, version } = entry;
  const quantity = sentQuantity(line.quantity);
  const captured_at = sentMoment(line.at);
  day.last = [
    { id, farmer, flower, quantity, unit, rate, amount, status, version, captured_at, mine: true },
    ...day.last.filter((each) => each.id !== id),
  ];
  day.lines += 1;
}

/** @param {string} number @returns {Panel} */
function nobody(number) {
  const add = { label: say("add_farmer"), best: true, act: () => sheet("openFarmer", { number }) };
  return { kind: "calm", title: say("nobody", { number }), text: "", answers: [add] };
}

/** What to say of a line that was not written. @param {Exclude<import("./book.js").Result, {kind: "ok"}>} result @param {Line} line @returns {Panel} */
function whyNot(result, line) {
  if (result.kind === "signedOut") return gate();
  if (result.kind === "unreachable") return notSure(back());
  if (result.kind === "full") return noRoom([again(), back()]);
  const { problem } = result;
  if (isEarlier(problem)) {
    arrived = line.id;
    return earlier();
  }
  const field = (problem.errors ?? []).map((error) => fieldOf(error.pointer)).find(Boolean);
  const detail = problem.errors?.[0]?.detail ?? problem.detail ?? "";
  if (field === "farmer") slip = press(slip, { type: "setRing", ring: "number" }, world());
  if (field === "weight" || field === "rate") slip = press(slip, { type: "setRing", ring: field }, world());
  const text = field ? say(`refused_${field}`, { detail }) : detail;
  return { kind: "refused", title: say("refused_title"), text, answers: [{ ...back(), best: true }] };
}

/** The only alarm that stops the work: the tablet cannot keep it. @param {import("./view.js").Answer[]} answers @returns {Panel} */
function noRoom(answers) {
  return { kind: "refused", title: say("disk_title"), text: say("disk_text"), answers };
}

/** @param {import("./book.js").Problem} problem */
function isEarlier({ code }) {
  return code === "idempotency_key_reused" || code === "id_exists";
}

/** Another try of this slip stands in the book. @returns {Panel} */
function earlier() {
  const open = { label: say("earlier_open"), href: `${words.to_entries}${slip.id}/`, best: true };
  return {
    kind: "refused",
    title: say("earlier_title"),
    text: say("earlier_text"),
    answers: [open, clearAnyway()],
  };
}

/** The answer was lost, perhaps the line too. @param {import("./view.js").Answer} other than trying again @returns {Panel} */
function notSure(other) {
  return { kind: "off", title: say("off_title"), text: say("off_text"), answers: [again(), other] };
}

/** @returns {import("./view.js").Answer} */
function clearAnyway() {
  return { label: say("clear_anyway"), act: () => act({ type: "clearAnyway" }) };
}

/** @param {string} pointer of a refusal, as `/gross_quantity` */
function fieldOf(pointer) {
  const field = pointer.split("/")[1];
  if (field === "farmer" || field === "flower") return field;
  if (field === "rate" || field === "rate_reason") return "rate";
  return /quantity|sack/.test(field) ? "weight" : "";
}

/** Back to the flowers. @returns {import("./view.js").Answer} */
function back() {
  return { label: say("back"), act: dismiss };
}

function dismiss() {
  notice = null;
  draw();
}

/** @returns {import("./view.js").Answer} */
function again() {
  return { label: say("again"), best: true, act: () => act("save") };
}

/** Nobody is signed in, or somebody who does not sell. @returns {Panel} */
function gate() {
  if (reference.isForbidden)
    return {
      kind: "calm",
      title: say("closed_title"),
      text: say("closed_text"),
      answers: [{ label: say("closed"), href: words.to_board, best: true }],
    };
  const href = `${words.to_sign_in}?next=${encodeURIComponent(location.pathname)}`;
  const answers = [{ label: say("sign_in"), href, best: true }];
  const text = say(isLoaded() ? "sign_in_text" : "sign_in_first");
  return { kind: isLoaded() ? "off" : "calm", title: say("sign_in_title"), text, answers };
}

/** @param {Done} done */
async function takeBack(done) {
  if (isUndoing) return;
  isUndoing = true;
  const result = await book.cancel(done, say("undo_reason"));
  isUndoing = false;
  isCutOff = result.kind === "unreachable";
  if (result.kind === "ok") {
    const line = reference.day?.last.find((each) => each.id === done.line.id);
    if (!book.isOnlineOnly) takenBack.add(done.line.id);
    else if (line && line.status !== "voided" && reference.day) {
      line.status = "voided";
      reference.day.lines -= 1;
    }
    closeDone();
    sounds.play("sent");
    view.announce(view.sentence(done, world(), "undone"));
    change({ type: "cancelled", id: done.line.id });
    if (book.isOnlineOnly) reference.refresh(["day"]);
    return;
  }
  sounds.play("failure");
  if (result.kind === "signedOut") notice = gate();
  else if (result.kind === "full") notice = noRoom([{ ...back(), best: true }]);
  else if (result.kind === "unreachable")
    notice = { kind: "off", title: say("undo_off"), text: say("off_undo"), answers: [back()] };
  else {
    // Changed, cancelled or gone meanwhile: there is nothing left of it to undo here.
    const isGone = [404, 409].includes(result.problem.status);
    const text = isGone ? say("undo_gone") : result.problem.detail;
    if (isGone) {
      slip = press(slip, { type: "cancelled", id: done.line.id }, world());
      reference.refresh(["day"]);
    }
    notice = { kind: "refused", title: say("undo_off"), text, answers: [back()] };
  }
  draw();
}

// --- What the outbox says -----------------------------------------------------------------------

/** The book is the tablet's own, and it is asked not to lose it. */
function begin() {
  const { user, shopId: shop } = reference;
  if (hasBegun || !user) return;
  hasBegun = true;
  if (!offline) return;
  book.begin(new offline.Outbox({ user: user.id, shop }));
  import("../leaving.js").then(({ arrive }) => arrive(user.id)).catch(() => {});
}

book.addEventListener("change", () => {
  for (const id of takenBack) {
    const kept = book.kept(id);
    if (kept === "conflict") {
      notice = { kind: "refused", title: say("undo_off"), text: say("undo_gone"), answers: [back()] };
      sounds.play("failure");
    }
    if (kept === "conflict" || !kept) takenBack.delete(id);
  }
  if (book.waiting.length) setTimeout(draw, UNDER_WAY_MS);
  draw();
});

book.addEventListener("taken", (event) => {
  const ids = /** @type {CustomEvent<string[]>} */ (event).detail;
  sounds.play("sent");
  for (const id of ids) {
    const before = slip.done.find(({ line }) => line.id === id);
    const row = book.rows.get(id);
    if (!before || row.status === "voided") continue;
    const done = doneOf(before.line, { ...row, amount: row.total });
    slip = press(slip, { type: "taken", done }, world());
    if (shownDone?.line.id === id) shownDone = done;
    const rate = row.rate === null ? null : paiseOf(row.rate);
    if (rate !== done.line.quoted && !notice) {
      sounds.play("question");
      notice = otherRate(done, rate);
    }
  }
  reference.refresh(["day"]);
});

book.addEventListener("old", () => {
  notice = { kind: "off", title: say("sync_old"), text: "", answers: [{ ...again(), act: reload }] };
  draw();
});

/** What is on its way, and what has not arrived; a moment ago is no trouble yet. */
function unsent() {
  const { waiting } = book;
  const isLate = waiting.some(
    (op) => op.retry_count > 0 || op.status === "stalled" || Date.now() - op.created > UNDER_WAY_MS,
  );
  const ask = (/** @type {string[]} */ ...of) => waiting.filter(({ status }) => of.includes(status)).length;
  return {
    count: new Set(waiting.map((op) => op.entity_id)).size,
    asks: ask("needs_fix", "conflict") - waiting.filter((op) => op.operation === "RESOLVE").length,
    isLate: isLate || isCutOff || !reference.isReachable || Boolean(book.outbox?.obstacle),
  };
}

/** What the sheets may do here: they are fetched when they are asked for. */
const hands = {
  book,
  reference,
  world,
  takeBack: takeBackKept,
  draw,
  scale,
  /** It reads something else. @returns {boolean} whether that was looked at */
  weigh() {
    const isFree = !isBusy();
    if (isFree) change({ type: "scale" });
    return isFree;
  },
  isInHand: () => isBusy() || !isEmpty(slip) || isUndoing || document.querySelector("dialog[open]") !== null,
  /** What of the tablet's storage is to be warned of: nothing, that it may be cleared, or that it is nearly full. @type {"" | "loose" | "full"} */
  risk: "",
  /** @param {Panel | null} panel in place of the flowers */
  tell(panel) {
    notice = panel;
    draw();
  },
  /** A slip to go on with, unless another is in hand. @param {Slip} made */
  put(made) {
    const text = { title: say("other_open", { number: slip.number }), text: "", answers: [back()] };
    notice = isEmpty(slip) ? null : { kind: "off", ...text };
    if (!notice) slip = { ...made, done: slip.done, effect: null };
    draw();
  },
  /** Of the slip. */
  get farmer() {
    return slip.farmer;
  },
  /** @param {string} farmer his id */
  choose(farmer) {
    act({ type: "chooseFarmer", farmer });
  },
};

/** @param {Exclude<keyof typeof import("./sheets.js"), "correct">} name @param {any} [about] */
async function sheet(name, about) {
  const sheets = await import("./sheets.js").catch(notHere);
  sheets?.[name](hands, about);
}

/** The line broke before a part of the page had come, and a browser asks for it only once. */
function notHere() {
  sounds.play("failure");
  const act = async () => {
    if (await reference.hello()) reload();
  };
  const answers = [{ ...again(), act }, back()];
  hands.tell({ kind: "off", title: say("part_title"), text: say("part_text"), answers });
}

function reload() {
  location.reload();
}

/** @param {{id: string, version: number | null, entry?: object}} line */
async function takeBackKept({ id, version, entry }) {
  const result = await book.cancel({ line: { id }, version, entry }, say("undo_reason"));
  if (result.kind === "ok") change({ type: "cancelled", id });
  else notice = noRoom([back()]);
  draw();
}

/** @param {Done} done */
function showDone(done) {
  shownDone = done;
  clearTimeout(closing);
  closing = setTimeout(() => {
    closeDone();
    draw();
  }, SHOWN_MS);
}

function closeDone() {
  shownDone = null;
  clearTimeout(closing);
}

// --- Drawing --------------------------------------------------------------------------------

function draw() {
  const now = world();
  const drawn = sent ?? slip;
  if (known) keepDraft(reference, drawn, now);
  view.drawClock({ time: marketTime(reference.now()).time, slot: reference.slot() });
  drawPill();
  if (!isLoaded()) {
    if (notice) view.drawNobody();
    view.drawPanel(notice);
    return;
  }
  view.drawTiles(drawn, now);
  view.drawSlip(drawn, now, { isSaved: shownDone !== null, isLooking });
  view.drawRecents(recents, drawn, now);
  drawSaved(now);
  const { lines, count } = book.linesOf(reference.day);
  view.drawString(lines, count, now);
  view.drawUndo(slip.done.at(-1), now);
  view.drawScale(now.scale, canRead());
  drawInPlace(drawn, now);
  if (sent) view.drawSaving();
}

function drawSaved(now = world()) {
  view.drawDone(shownDone, now, Boolean(shownDone && book.kept(shownDone.line.id)));
}

/** @param {Slip} drawn @param {World} now */
function drawInPlace(drawn, now) {
  const question = view.questionPanel(drawn, now, (answer) => act({ type: "answerQuestion", answer }));
  if (question) view.drawPanel(question);
  else if (notice) view.drawPanel(notice);
  else if (drawn.ring === "rate" && (drawn.rate !== null || wantsReason(drawn)) && !sent)
    view.drawReasons(drawn);
  else view.drawPanel(sent ? null : emptyShop());
}

/** What a shop needs first; null: it has it. @returns {Panel | null} */
function emptyShop() {
  const text = !reference.flowers.size ? "no_flowers" : !reference.farmers.size ? "no_farmers" : "";
  if (!text) return null;
  const isOwner = reference.user?.role === "admin";
  const [label, href] =
    text === "no_farmers" ? ["add_farmer", words.to_add_farmer] : ["add_flowers", words.to_office];
  const answers = text === "no_farmers" || isOwner ? [{ label: say(label), href, best: true }] : [];
  return { kind: "calm", title: say("start_title"), text: say(text), answers };
}

function drawPill() {
  const { count, asks, isLate } = unsent();
  view.drawWaiting(count, hands.risk, isLoaded() && hasBegun && book.isOnlineOnly);
  if (asks) view.drawPill("off", say("pill_asks", { count: asks }));
  else if (count && isLate) view.drawPill("off", say("pill_kept", { count }));
  else if (slip.tried) view.drawPill("off", say("pill_unsaved"));
  else if (isCutOff || !reference.isReachable) view.drawPill("off", say("pill_off"));
  else if (reference.isSignedOut) view.drawPill("off", say("pill_out"));
  else view.drawPill(isLoaded() ? "ok" : "wait", say(isLoaded() ? "pill_ok" : "pill_loading"));
}

// --- What the reference says ----------------------------------------------------------------

reference.addEventListener("other", reload);
reference.addEventListener("change", () => {
  isCutOff = false;
  begin();
  if (reference.csrf && reference.isReachable) book.revive();
  if (notice?.title === say("pill_off")) notice = null;
  if (notice?.title === say("sign_in_title")) notice = null;
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-owner]")))
    place.hidden = reference.user?.role !== "admin";
  if (!isLoaded()) return;
  const farmers = [...reference.farmers.values()];
  if (!known) {
    const now = world();
    slip = draft(reference, now) ?? emptySlip(now);
    notice = slip.tried ? notSure(back()) : null;
    recents = lately();
    if (!isEmpty(slip) && waiting?.length) {
      // They were meant for an empty slip.
      waiting = [];
      sounds.play("tick");
    }
    bidden();
  } else if (known.length !== farmers.length) recents = lately();
  else recents = recents.map((farmer) => reference.farmers.get(farmer.id) ?? farmer);
  const isNew = known?.[0] !== farmers[0] || known?.length !== farmers.length;
  known = farmers;
  if (isNew) (window.requestIdleCallback ?? setTimeout)(fetchAhead);
  if (!sent) change({ type: "refresh" });
  replay();
});
reference.addEventListener("signedout", () => {
  // Nobody has been here since the page began: whoever comes next may be somebody else.
  if (!known) forgetDraft();
  notice ??= gate();
  draw();
});
reference.addEventListener("unreachable", () => {
  if (!isLoaded())
    notice = {
      kind: "off",
      title: say("pill_off"),
      text: say("first_off"),
      answers: [{ ...again(), act: () => reference.start() }],
    };
  draw();
});

/** The farmer whose page led here, `#farmer=207`, unless another's weight is on the slip. */
function bidden() {
  const farmer = reference.numbers.get(Number(/^#farmer=(\d+)$/.exec(location.hash)?.[1]));
  history.replaceState(null, "", location.pathname);
  if (!farmer || farmer.id === slip.farmer) return;
  if (slip.farmer && (slip.tried || slip.weight || slip.sacks.length)) {
    const number = slip.number;
    const text = say("other_open_text", { number: view.padded(farmer.number, digits) });
    notice ??= { kind: "off", title: say("other_open", { number }), text, answers: [back()] };
  } else slip = press(slip, { type: "chooseFarmer", farmer: farmer.id }, world());
}

/** Days sort as they are written; `localeCompare` takes a slow tablet a tenth of a second here. @param {string | null} one @param {string | null} other */
function newest(one, other) {
  return one === other ? 0 : (one ?? "") > (other ?? "") ? -1 : 1;
}

/** Who came last, then who came last before today. @returns {Farmer[]} */
function lately() {
  const today = (reference.day?.last ?? []).map((line) => reference.farmers.get(line.farmer));
  const before = [...reference.farmers.values()]
    .filter((farmer) => farmer.is_active)
    .sort((one, other) => newest(one.last_seen, other.last_seen) || one.number - other.number);
  const all = [...new Set([...today, ...before])];
  return /** @type {Farmer[]} */ (all.filter(Boolean)).slice(0, RECENTS);
}

// --- What people do -------------------------------------------------------------------------

/** The key that the pointer pressed: its click says nothing new. @type {Element | null} */
let pressed = null;

document.addEventListener(
  "pointerdown",
  (event) => {
    sounds.wake();
    const verdict = glass.down(event.pointerId, event.clientX, event.clientY, event.timeStamp);
    const target = /** @type {Element} */ (event.target);
    const key = /** @type {HTMLElement | null} */ (target.closest("[data-key]"));
    if (key) {
      event.preventDefault(); // no focus: Enter belongs to the slip
      pressed = key;
    }
    if (verdict === "ghost") sounds.play("tick");
    if (verdict !== "ok" || event.button !== 0) return;
    const place = /** @type {HTMLElement | null} */ (target.closest("[data-goto]"));
    if (key) act(/** @type {Key} */ (key.dataset.key));
    else if (place && place.id !== "rate")
      act({ type: "setRing", ring: /** @type {"number" | "weight"} */ (place.dataset.goto) });
  },
  true,
);
for (const over of ["pointerup", "pointercancel"])
  document.addEventListener(over, (event) => glass.up(/** @type {PointerEvent} */ (event).pointerId), true);
// The mouse gives focus on its own event; a key must not take it.
document.addEventListener("mousedown", (event) => {
  if (/** @type {Element} */ (event.target).closest("[data-key]")) event.preventDefault();
});

document.addEventListener(
  "click",
  (event) => {
    if (!glass.isPaused) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);
at("app").addEventListener("click", (event) => {
  const button = /** @type {HTMLElement | null} */ (
    /** @type {Element} */ (event.target).closest("button, .seg a")
  );
  if (!button) return;
  if (button.dataset.key) {
    // A screen reader or the keyboard clicks without a pointer.
    if (pressed !== button) act(/** @type {Key} */ (button.dataset.key));
    pressed = null;
  } else if (button.matches(".seg a")) keepLanguage(/** @type {HTMLAnchorElement} */ (button));
  else clicked[button.id]?.();
  // What was tapped keeps no focus: the next Enter belongs to the slip. A click without a pointer keeps it.
  if (event.detail) button.blur();
});

/** @type {Record<string, () => void>} */
const clicked = {
  save() {
    if (latched.id !== slip.id || performance.now() >= latched.until) act("save");
  },
  clear: () => act("clear"),
  undo: () => act("undo"),
  rate: () => act({ type: "openRate" }),
  offer: () => act({ type: "acceptNewRate" }),
  more() {
    view.drawAll(sent ?? slip, world());
    /** @type {HTMLDialogElement} */ (at("flowers")).showModal();
  },
  "find-open": () => act("find"),
  money: () => sheet("openMoney"),
  fee: () => sheet("openFee"),
  settle: () => sheet("openSettlement"),
  report: () => sheet("openReport"),
  pill: () => sheet("openSync"),
  pin: () => sheet("openPin"),
  async leave() {
    const leaving = await import("../leaving.js").catch(notHere);
    const { user, shopId: shop, csrf } = reference;
    leaving?.leave({ user: user?.id ?? "", shop }, csrf);
  },
  scale() {
    if (scale.reading().state !== "none") act({ type: "takeScale" });
    else import("./port.js").then(({ connect }) => connect(hands), notHere);
  },
  hand() {
    const isLeft = document.documentElement.dataset.hand !== "left";
    storage(() => localStorage).setItem("malar.hand", isLeft ? "left" : "");
    wearHand();
  },
  sound() {
    sounds.volume = sounds.volume ? 0 : 0.8;
    at("sound").setAttribute("aria-pressed", String(sounds.volume > 0));
    sounds.play("saved");
  },
};

document.addEventListener("change", (event) => {
  const { name, value } = /** @type {HTMLInputElement} */ (event.target);
  if (name === "farmer") act({ type: "chooseFarmer", farmer: value });
  if (name === "flower") act({ type: "chooseFlower", flower: value });
  if (name === "reason") {
    act({ type: "setReason", reason: /** @type {import("./slip.js").Reason} */ (value) });
    if (quantityIn(slip, world()) === null) act({ type: "setRing", ring: "weight" });
  }
});

at("number").addEventListener("focus", () => {
  if (slip.ring !== "number" && !isBusy()) change({ type: "setRing", ring: "number" });
});

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open], :popover-open")) return;
  const key = keyOf(event);
  if (!key) return;
  event.preventDefault();
  sounds.wake();
  if (!(event.repeat && (key === "enter" || key === "minus"))) act(key);
});

document.addEventListener("paste", (event) => {
  if (document.querySelector("dialog[open]")) return;
  event.preventDefault();
  act({ type: "paste", text: event.clipboardData?.getData("text") ?? "" });
});

/** Fetched when there is time: nobody looks for a name before he has seen the page. @type {Promise<ReturnType<typeof import("./find.js").mountFind>> | undefined} */
let finding;

async function finder() {
  finding ??= import("./find.js").then(({ mountFind }) =>
    mountFind(
      hands.choose,
      world,
      () => recents.map((farmer) => farmer.id),
      (name) => sheet("openFarmer", { name }),
    ),
  );
  const find = await finding;
  find.know(known ?? []);
  return find;
}

async function openFind() {
  try {
    (await finder()).open();
  } catch {
    finding = undefined;
    notHere();
  }
}

/** What a tap may ask for, before there is no line to fetch it by. */
function fetchAhead() {
  finder().catch(() => {
    finding = undefined;
  });
  import("./sheets.js").catch(() => {});
}

at("string").addEventListener("click", (event) => {
  const bead = /** @type {HTMLElement | null} */ (
    /** @type {Element} */ (event.target).closest("[data-line]")
  );
  if (bead) sheet("openLine", bead.dataset.line);
});

at("flowers").addEventListener("click", (event) => {
  const tile = /** @type {HTMLElement | null} */ (
    /** @type {Element} */ (event.target).closest("[data-flower]")
  );
  if (!tile) return;
  /** @type {HTMLDialogElement} */ (at("flowers")).close();
  /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
  act({ type: "chooseFlower", flower: tile.dataset.flower ?? "" });
});
for (const sheet of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog")))
  sheet.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target === sheet || target.closest("[data-close]")) sheet.close();
  });

/** The next pages speak it too; the slip waits in the drawer. @param {HTMLAnchorElement} link */
function keepLanguage(link) {
  if (!reference.csrf) return;
  fetch(words.to_language, {
    method: "POST",
    keepalive: true,
    redirect: "manual",
    headers: { "X-CSRFToken": reference.csrf },
    body: new URLSearchParams({ language: link.hreflang, next: "/" }),
  }).catch(() => {}); // the page itself changes all the same
}

function wearHand() {
  const isLeft = storage(() => localStorage).getItem("malar.hand") === "left";
  document.documentElement.dataset.hand = isLeft ? "left" : "right";
  at("hand").setAttribute("aria-pressed", String(isLeft));
}

// --- Signs of life ---------------------------------------------------------------------------

for (const [sign, target] of /** @type {[string, EventTarget][]} */ ([
  ["online", window],
  ["pageshow", window],
  ["visibilitychange", document],
]))
  target.addEventListener(sign, () => {
    if (document.visibilityState !== "visible") return;
    if (sign === "online") reference.again();
    book.revive();
  });

// --- Begin ----------------------------------------------------------------------------------

wearHand();
at("sound").setAttribute("aria-pressed", String(sounds.volume > 0));
// Where it does not come, this page does without: then the server has just said who works here.
const late = new Promise((go) => {
  if (document.readyState === "complete") go(null);
  else addEventListener("load", go, { once: true });
}).then(async () => (await import("./late.js")).mount(hands));
book.ready = Promise.race([late.catch(() => {}), new Promise((go) => setTimeout(go, LATE_MS))]);
setInterval(() => {
  if (!sent && isLoaded()) change({ type: "refresh" });
  else draw();
}, 10_000);
draw();
if (isLocked()) import("./lock.js").then(({ lockFirst }) => lockFirst(reference), notHere);
else reference.start(first);
