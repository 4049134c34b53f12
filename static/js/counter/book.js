/**
 * Writing into the book.
 *
 * @typedef {import("./slip.js").Line} Line
 * @typedef {import("./slip.js").Done} Done
 * @typedef {{type: string, code: string, title: string, detail: string, status: number,
 *   errors: {pointer: string, code: string, detail: string}[], current?: Entry}} Problem RFC 9457, for people in their language
 * @typedef {{id: string, slip_number: string, rate: string | null, amount: string | null, quantity: string,
 *   version: number, status: string, needs_review: boolean, rate_pending: boolean}} Entry as docs/api.md has it
 * @typedef {{kind: "ok", entry: Entry} | {kind: "refused", problem: Problem}
 *   | {kind: "unreachable"} | {kind: "signedOut"}} Result
 */
import { paiseOf, sentMoney, sentQuantity } from "./figures.js";
import { sentMoment } from "./rates.js";

const LINES = "/api/v1/daily-entries/";
const TIMEOUT_MS = 8000;

export class Book {
  /** Ids of cancellations by line: the same for every retry. @type {Map<string, string>} */
  #cancellations = new Map();

  /** @param {import("./ref.js").Reference} reference for CSRF, shop, language, and to tell that the session is over */
  constructor(reference) {
    this.reference = reference;
  }

  /**
   * Write a line; sent again with the same id it is written once. `ok` is said only of the server's own answer.
   *
   * The one function beneath which the outbox in IndexedDB is put (issue 5): then `ok` comes from the tablet's
   * disk, and nothing above needs to know.
   *
   * @param {Line} line @returns {Promise<Result>}
   */
  write(line) {
    return this.#post(LINES, line.id, line.id, bodyOf(line));
  }

  /**
   * Undo a line of this page: it stays in the book, struck out.
   *
   * @param {Done} done @param {string} reason for people, in their language @returns {Promise<Result>}
   */
  cancel(done, reason) {
    const { id } = done.line;
    const key = this.#cancellations.get(id) ?? crypto.randomUUID();
    this.#cancellations.set(id, key);
    return this.#post(`${LINES}${id}/void/`, key, id, { version: done.version, reason });
  }

  /** @param {string} path @param {string} key @param {string} id of the line the answer must be about @param {object} body @param {boolean} [again] @returns {Promise<Result>} */
  async #post(path, key, id, body, again = false) {
    const { reference } = this;
    if (!reference.csrf && !(await reference.hello())) {
      return { kind: reference.isSignedOut ? "signedOut" : "unreachable" };
    }
    /** @type {Response} */
    let response;
    /** @type {any} */
    let answer;
    try {
      response = await reference.send(path, {
        method: "POST",
        credentials: "same-origin",
        redirect: "manual",
        headers: {
          Accept: "application/json",
          "Accept-Language": reference.user?.language ?? "ta",
          "Content-Type": "application/json",
          "Idempotency-Key": key,
          "X-CSRFToken": reference.csrf,
          "X-Shop": reference.shopId,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      answer = await response.json();
    } catch {
      // No network, too slow, a redirect, or a page instead of JSON: nobody of ours has answered.
      return { kind: "unreachable" };
    }
    if (response.ok) return answer?.id === id ? { kind: "ok", entry: answer } : { kind: "unreachable" };
    if (typeof answer?.code !== "string") return { kind: "unreachable" };
    if (response.status === 401) {
      reference.signOut();
      return { kind: "signedOut" };
    }
    if (answer.code === "csrf_failed" && !again) {
      reference.csrf = "";
      return this.#post(path, key, id, body, true);
    }
    // Too often, or the server's own fault: the line is as good as before and may be sent again.
    if (response.status === 429 || response.status >= 500) return { kind: "unreachable" };
    return { kind: "refused", problem: answer };
  }
}

/** @param {Line} line @returns {object} as POST daily-entries reads it */
function bodyOf({ id, farmer, flower, at, unit, sacks, quantity, rate, reason }) {
  const sent = { id, farmer, flower, captured_at: sentMoment(at) };
  const figures =
    unit !== "kg"
      ? { quantity: sentQuantity(quantity) }
      : sacks.length > 1
        ? { sack_weights: sacks.map(sentQuantity), sacks: sacks.length }
        : { gross_quantity: sentQuantity(quantity) };
  const typed = rate === null ? {} : { rate: sentMoney(rate), ...(reason ? { rate_reason: reason } : {}) };
  return { ...sent, ...figures, ...typed };
}

/** Whether two lines are the same to the book, but for their moment. @param {Line} one @param {Line} other */
export function isSame(one, other) {
  return JSON.stringify(bodyOf({ ...one, at: 0 })) === JSON.stringify(bodyOf({ ...other, at: 0 }));
}

/** What can be undone of a line just written. @param {Line} line @param {Entry} entry @returns {Done} */
export function doneOf(line, entry) {
  return { line, version: entry.version, amount: entry.amount === null ? null : paiseOf(entry.amount) };
}
