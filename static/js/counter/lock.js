/**
 * The lock: five minutes without a finger or a key, and the counter shows nothing of anybody until its owner types his
 * PIN, with a network or without. Where he has none, it is a curtain that a tap takes away.
 *
 * What was on the page is taken out of the document as it stands, half a word included, and put back as it was; the
 * outbox goes on sending meanwhile. A page that is opened while it is locked reads nothing before the PIN.
 *
 * @typedef {import("./sync.js").Hands} Hands
 * @typedef {{id: string, name: string, pin?: string | null}} Owner whose lock it is
 */
import { giveWay } from "../leaving.js";
import { IDLE_MS, TOUCHED } from "../left.js";
import { WRONG } from "../locked.js";
import { askWho } from "./ask.js";
import { draft, storage } from "./draft.js";
import { westernDigits } from "./figures.js";
import { askPin, isRight, keepPin, pinOf } from "./pin.js";
import { dress } from "./sheet.js";
import { at, moveTo, say } from "./view.js";

const LOOK_MS = 1000;
/** So often a touch is written down, for the next page and for other tabs. */
const TOUCH_MS = 5000;
export const MOST_WRONG = 5;
const DRAFT = "malar.slip";

/** @type {HTMLDialogElement | null} */
let sheet = null;

/** How often the PIN was wrong, and until when nobody is listened to, epoch ms. @returns {{count: number, until: number}} */
export function wrongs() {
  try {
    return JSON.parse(storage(() => localStorage).getItem(WRONG) ?? "") ?? { count: 0, until: 0 };
  } catch {
    return { count: 0, until: 0 };
  }
}

/** 2, 4, 8 and 16 s. @param {number} count how often it was wrong @returns {number} ms */
export const waitAfter = (count) => 1000 * 2 ** count;

/** Until when it is waited: a clock that was set back makes it no longer than it was. @param {{count: number, until: number}} wrong @param {number} now epoch ms */
export const waitUntil = ({ count, until }, now) => Math.min(until, now + waitAfter(count));

/**
 * Whether nobody has been here for so long. Asleep our own clock stands still; where a PIN opens the lock, the wall's
 * counts too, and what another tab has seen.
 *
 * @param {{mono: number, wall: number, elsewhere: number}} touched when, by both clocks; elsewhere: by the wall's, 0 where it is locked
 * @param {{mono: number, wall: number}} now @param {boolean} hasPin
 */
export function isIdle(touched, now, hasPin) {
  const isQuiet = now.mono - touched.mono >= IDLE_MS;
  if (!hasPin) return isQuiet;
  if (touched.elsewhere === 0) return true;
  const lately = Math.max(touched.wall, touched.elsewhere);
  const isSeen = touched.elsewhere > touched.wall && now.wall - lately >= 0 && now.wall - lately < IDLE_MS;
  return !isSeen && (isQuiet || now.wall - touched.wall >= IDLE_MS);
}

/** @param {Hands} hands */
export function mountLock(hands) {
  const { reference } = hands;
  const device = reference.shelf?.device;
  const store = storage(() => localStorage);
  const touched = { mono: performance.now(), wall: Date.now(), elsewhere: 1 };
  let writtenAt = -Infinity;
  let known = "";
  const touch = () => {
    touched.mono = performance.now();
    touched.wall = Date.now();
    if (sheet || store.getItem(TOUCHED) === null || touched.mono - writtenAt < TOUCH_MS) return;
    writtenAt = touched.mono;
    store.setItem(TOUCHED, String(touched.wall));
  };
  const look = () => {
    if (sheet || reference.asOf === "" || !reference.user) return;
    const kept = store.getItem(TOUCHED);
    touched.elsewhere = Number(kept);
    const now = { mono: performance.now(), wall: Date.now() };
    if (!isIdle(touched, now, kept !== null)) return;
    if (kept !== null) store.setItem(TOUCHED, "0");
    cover(reference.user, device, { whose: () => reference.user, opened: touch });
  };
  const meet = async () => {
    const { user } = reference;
    if (!user || reference.asOf === "" || known === user.id) return;
    known = user.id;
    takeUp(hands);
    const pin = await pinOf(device, user.id);
    // Whoever was here before may have had one.
    if (!pin) store.removeItem(TOUCHED);
    else if (store.getItem(TOUCHED) === null) store.setItem(TOUCHED, String(Date.now()));
  };
  for (const sign of ["pointerdown", "keydown", "input"]) document.addEventListener(sign, look, true);
  for (const sign of ["pointerdown", "keydown", "input"]) document.addEventListener(sign, touch, true);
  document.addEventListener("visibilitychange", look);
  reference.addEventListener("change", meet);
  setInterval(look, LOOK_MS);
  meet();
}

/** The page is opened, and it is locked: nothing is read before the PIN. @param {import("./ref.js").Reference} reference */
export async function lockFirst(reference) {
  const device = reference.shelf?.device;
  const session = await device?.get("session").catch(() => null);
  // Nobody is signed in here, or by a PIN he never had: there is nothing to lock.
  if (!session || !(await pinOf(device, session.user.id))) {
    storage(() => localStorage).removeItem(TOUCHED);
    reference.start();
    return;
  }
  storage(() => localStorage).setItem(TOUCHED, "0");
  cover(session.user, device, { whose: () => session.user, opened: () => reference.start() });
}

/** @param {Owner} owner @param {any} device @param {{whose: () => Owner | null, opened: () => void}} then whose: as the server said last */
async function cover(owner, device, { whose, opened }) {
  const template = /** @type {HTMLTemplateElement} */ (at("t-lock"));
  const lock = /** @type {HTMLDialogElement} */ (template.content.firstElementChild?.cloneNode(true));
  sheet = lock;
  const dialogs = /** @type {HTMLDialogElement[]} */ ([
    ...document.querySelectorAll("dialog[open]:not(#leaving)"),
  ]);
  const focus = /** @type {HTMLElement | null} */ (document.activeElement);
  const away = document.createDocumentFragment();
  for (const child of [...document.body.children]) if (child.id !== "leaving") away.append(child);
  moveTo(away);
  document.body.append(lock);
  lock.addEventListener("close", () => {
    if (sheet === lock) lock.showModal();
  });
  lock.showModal();
  await dress(lock);
  const part = (/** @type {string} */ name) =>
    /** @type {HTMLElement} */ (lock.querySelector(`[data-lock=${name}]`));
  const store = storage(() => localStorage);
  const open = () => {
    store.removeItem(WRONG);
    if (store.getItem(TOUCHED) !== null) store.setItem(TOUCHED, String(Date.now()));
    sheet = null;
    moveTo(document);
    lock.remove();
    document.body.prepend(away);
    // Taken out of the document they were no longer above the page.
    for (const dialog of dialogs) {
      dialog.removeAttribute("open");
      dialog.showModal();
    }
    focus?.focus();
    opened();
  };
  const tell = (/** @type {string} */ text) => {
    part("said").textContent = text;
    part("said").hidden = !text;
  };
  part("who").textContent = owner.name;
  part("other").textContent = say("lock_other", { name: owner.name });
  const pin = await pinOf(device, owner.id);
  part("form").hidden = !pin;
  part("open").hidden = Boolean(pin);
  part("open").onclick = open;
  if (!pin && reachesPin(device)) tell(say("lock_none"));
  const input = /** @type {HTMLInputElement} */ (lock.querySelector("input"));
  const button = /** @type {HTMLButtonElement} */ (lock.querySelector("[type=submit]"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  const look = () => {
    clearTimeout(waiting);
    const wrong = wrongs();
    const isSpent = wrong.count >= MOST_WRONG;
    const now = Date.now();
    const until = waitUntil(wrong, now);
    if (until < wrong.until) store.setItem(WRONG, JSON.stringify({ ...wrong, until }));
    const left = Math.max(0, until - now);
    part("form").hidden = !pin || isSpent;
    button.disabled = left > 0;
    if (isSpent) {
      tell(say("lock_spent"));
      part("other").textContent = say("sign_in");
    } else if (wrong.count) {
      const values = { count: MOST_WRONG - wrong.count, seconds: Math.ceil(left / 1000) };
      tell(say(left ? "lock_wait" : "lock_wrong", values));
    }
    if (left) waiting = setTimeout(look, Math.min(left, LOOK_MS));
  };
  /** @type {HTMLFormElement} */ (part("form")).onsubmit = async (event) => {
    event.preventDefault();
    if (button.disabled || !input.value || !pin) return;
    button.disabled = true;
    const verdict = await judge(westernDigits(input.value), pin, whose() ?? owner, device).catch(
      () => "wrong",
    );
    input.value = "";
    if (verdict === "right") {
      clearTimeout(waiting);
      open();
      return;
    }
    const count = verdict === "spent" ? MOST_WRONG : wrongs().count + 1;
    store.setItem(WRONG, JSON.stringify({ count, until: Date.now() + waitAfter(count) }));
    look();
    input.focus();
  };
  part("other").onclick = async () => {
    tell(say("lock_asking"));
    const heard = await askWho();
    if (!heard) {
      tell(say("lock_away"));
      return;
    }
    putAside(owner.id);
    await giveWay(owner.id, heard.body?.csrf ?? "");
  };
  if (pin) look();
  (pin ? input : part("open")).focus();
}

/** Whether a PIN can be kept here at all. @param {any} device */
function reachesPin(device) {
  return Boolean(device && crypto.subtle);
}

/**
 * A PIN that was changed elsewhere since is the server's to judge, where it can be reached; else the one that this
 * tablet knows counts.
 *
 * @param {string} typed @param {import("./pin.js").Kept} kept @param {Owner} owner @param {any} device
 * @returns {Promise<"right" | "wrong" | "spent">}
 */
async function judge(typed, kept, owner, device) {
  const isKnown = !owner.pin || owner.pin === kept.id;
  const hello = isKnown ? null : await askWho();
  if (hello?.body?.user.id === owner.id) {
    const answer = await askPin("pin/check/", { pin: typed }, hello.body.csrf);
    if (answer?.status === 200) {
      await keepPin(device, owner.id, typed, answer.body.pin);
      return "right";
    }
    if (answer?.status === 422) return answer.body?.code === "pin_spent" ? "spent" : "wrong";
  }
  return (await isRight(kept, typed)) ? "right" : "wrong";
}

/** The slip in hand waits for its owner in this tab's drawer, while somebody else works. @param {string} user */
function putAside(user) {
  const drawer = storage(() => sessionStorage);
  const slip = drawer.getItem(DRAFT);
  if (slip) drawer.setItem(`${DRAFT}.${user}`, slip);
  drawer.removeItem(DRAFT);
}

/** He is back. @param {Hands} hands */
function takeUp(hands) {
  const { reference } = hands;
  const drawer = storage(() => sessionStorage);
  const key = `${DRAFT}.${reference.user?.id}`;
  const kept = drawer.getItem(key);
  if (!kept || hands.isInHand()) return;
  drawer.removeItem(key);
  drawer.setItem(DRAFT, kept);
  const slip = draft(reference, hands.world());
  if (slip) hands.put(slip);
}
