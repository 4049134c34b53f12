/**
 * The PIN that opens the lock of this tablet's counter. The server keeps its hash (malar/accounts/services.py), the
 * tablet a slow one of its own with a salt, for each person: so that it can be checked without a network.
 *
 * Four to six digits are soon tried by a machine that has copied the tablet's disk. It keeps people from each other's
 * counter; whoever has the disk has what is on it all the same.
 *
 * @typedef {import("./sync.js").Hands} Hands
 * @typedef {{id: string, salt: string, rounds: number, hash: string}} Kept id: the server's, of this very PIN; salt and hash in base64
 */
import { TOUCHED } from "../left.js";
import { storage } from "./draft.js";
import { westernDigits } from "./figures.js";
import { openForm } from "./form.js";
import { say } from "./view.js";

/** PBKDF2 with HMAC-SHA-256: about half a second of a tablet. */
const ROUNDS = 600_000;

/** @param {any} device of static/js/offline/ @param {string} user @returns {Promise<Kept | null>} null: no PIN opens the lock here */
export async function pinOf(device, user) {
  return (await device?.get(`pin-${user}`).catch(() => null)) ?? null;
}

/** @param {any} device @param {string} user @param {string} pin @param {string} id the server's */
export async function keepPin(device, user, pin, id) {
  const salt = text(crypto.getRandomValues(new Uint8Array(16)));
  const hash = await hashOf(pin, salt, ROUNDS);
  await device.put({ id, salt, rounds: ROUNDS, hash }, `pin-${user}`);
}

/** @param {Kept} kept @param {string} pin */
export async function isRight({ salt, rounds, hash }, pin) {
  return (await hashOf(pin, salt, rounds)) === hash;
}

/** @param {string} pin @param {string} salt @param {number} iterations */
async function hashOf(pin, salt, iterations) {
  const { subtle } = crypto;
  const typed = await subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: octets(salt), iterations };
  return text(new Uint8Array(await subtle.deriveBits(how, typed, 256)));
}

/** @param {Uint8Array} raw */
const text = (raw) => btoa(String.fromCharCode(...raw));

/** @param {string} kept */
const octets = (kept) => Uint8Array.from(atob(kept), (letter) => letter.charCodeAt(0));

/**
 * Ask the server about a PIN.
 *
 * @param {"pin/" | "pin/check/"} path @param {object} body @param {string} csrf
 * @returns {Promise<{status: number, body: any} | null>} null: nothing of ours came through
 */
export function askPin(path, body, csrf) {
  const { ask, settings } = /** @type {any} */ (self).malarOffline;
  const send = (/** @type {[any, any]} */ ...asked) => fetch(...asked);
  return ask({ path, body, headers: { "X-CSRFToken": csrf }, timeout: settings.answer, send });
}

/** Choose one, or say the present one on a tablet that does not know it: both with the password. @param {Hands} hands */
export function openPin({ reference }) {
  const { user, csrf, shelf } = reference;
  const device = shelf?.device;
  /** @param {import("./form.js").Values} values */
  const write = async ({ pin: typed, again, password }) => {
    if (!device || !user || !crypto.subtle) return { text: say("pin_nowhere") };
    const pin = westernDigits(typed);
    if (pin !== westernDigits(again)) return { field: "again", text: say("pin_differs") };
    const answer = csrf ? await askPin("pin/", { pin, password }, csrf) : null;
    if (answer?.status === 422 || answer?.status === 429)
      return { field: answer.body?.pointer?.slice(1), text: answer.body?.detail ?? "" };
    if (answer?.status !== 200) return { text: say("pin_away") };
    try {
      await keepPin(device, user.id, pin, answer.body.pin);
    } catch {
      return { text: say("disk_title") };
    }
    user.pin = answer.body.pin;
    storage(() => localStorage).setItem(TOUCHED, String(Date.now()));
    return null;
  };
  /** @type {import("./form.js").Field[]} */
  const fields = [
    { name: "password", word: say("pin_password"), mode: "text", isSecret: true },
    { name: "pin", word: say("pin_new"), mode: "numeric", isSecret: true },
    { name: "again", word: say("pin_again"), mode: "numeric", isSecret: true },
  ];
  return openForm({ title: say("pin_title"), fields, write, hints: () => ({ pin: say("pin_help") }) });
}
