/**
 * Writing into the book: onto the tablet's disk, from where the outbox sends it. Where the browser has no disk for us,
 * straight to the server.
 *
 * @typedef {import("./slip.js").Line} Line
 * @typedef {import("./slip.js").Done} Done
 * @typedef {{type: string, code: string, title: string, detail: string, status: number,
 *   errors: {pointer: string, code: string, detail: string}[], current?: Entry}} Problem RFC 9457, for people in their language
 * @typedef {{id: string, slip_number: string, rate: string | null, amount: string | null, quantity: string,
 *   version: number | null, status: string, needs_review: boolean, rate_pending: boolean}} Entry as docs/api.md has it;
 *   version null: as it is only here
 * @typedef {{kind: "ok", entry: Entry} | {kind: "refused", problem: Problem}
 *   | {kind: "unreachable"} | {kind: "signedOut"} | {kind: "full"}} Result full: the tablet could not write it
 * @typedef {"queued" | "sending" | "stalled" | "blocked" | "conflict" | "needs_fix"} Kept how a line waits on the tablet
 * @typedef {import("./ref.js").DayLine & {kept?: Kept}} KeptLine
 * @typedef {{id: string, entity_id: string, operation: string, status: Kept, created: number, retry_count: number,
 *   error: {code: string, pointer: string, detail: string} | null}} Waiting an operation of the outbox
 */
import { paiseOf, sentMoney, sentQuantity } from "./figures.js";
import { businessDate, sentMoment } from "./rates.js";

export const LINES = "/api/v1/daily-entries/";
const TIMEOUT_MS = 8000;
const HIDDEN_MS = 100;

/**
 * Dispatches `change` when what waits is another, `taken` (detail: the ids) when the server has taken lines of this
 * page, and `old` when a newer version of the app has taken the database over.
 */
export class Book extends EventTarget {
  /** Ids of cancellations by line: the same for every retry. @type {Map<string, string>} */
  #cancellations = new Map();
  /** Lines that this page shows by itself, until the server's list has them. @type {Map<string, any>} */
  rows = new Map();
  /** Oldest first. @type {Waiting[]} */
  waiting = [];
  /** The tablet keeps nothing: a line is written when the server has it. */
  isOnlineOnly = true;
  /** @type {any} */
  outbox = null;
  /** @type {Promise<void>} */
  #begun = Promise.resolve();
  /** @type {Map<string, Promise<string | null>>} */
  #slips = new Map();
  /** Drawn, and of no line yet. @type {{date: string, slip: Promise<string | null>} | null} */
  #next = null;
  /** Why the tablet takes nothing down now (verified.js). @type {() => Problem | null} */
  refusal = () => null;
  /** Until that is known nothing is taken down: a page begun anew gives nobody a moment. @type {Promise<unknown>} */
  ready = Promise.resolve();
  /** @type {Promise<void> | null} */
  #looking = null;
  /** How often it was looked. */
  #turn = 0;

  /** @param {import("./ref.js").Reference} reference for CSRF, shop, language, and to tell that the session is over */
  constructor(reference) {
    super();
    this.reference = reference;
  }

  /** Now it is known whose book it is. @param {any} outbox of static/js/offline/, for this person */
  begin(outbox) {
    const open = async () => {
      try {
        this.outbox = await outbox.open();
        this.isOnlineOnly = false;
      } catch {
        this.dispatchEvent(new Event("change"));
        return;
      }
      outbox.addEventListener("change", () => this.#lookSoon());
      outbox.ledger.addEventListener("old", () => this.dispatchEvent(new Event("old")));
      await this.look();
      outbox.drain({ isNewRound: true });
      outbox.meet();
    };
    this.#begun = open();
    return this.#begun;
  }

  /** Something has come through: what has given up tries again. */
  revive() {
    const { outbox } = this;
    if (this.waiting.length || outbox?.obstacle) outbox.drain({ isNewRound: true }).then(() => outbox.meet());
    else outbox?.meet();
  }

  /** Once for all that changes before the next picture: what was just saved is said first. */
  #lookSoon() {
    // A disk that is gone answers nothing; `old` says so where a newer version has it.
    this.#looking ??= painted().then(() => {
      this.#looking = null;
      return this.look().catch(() => {});
    });
  }

  /** What waits, and what has become of our lines. */
  async look() {
    this.#turn += 1;
    const turn = this.#turn;
    const { outbox } = this;
    const waiting = /** @type {Waiting[]} */ (await outbox.waiting());
    const ids = new Set([...this.rows.keys(), ...waiting.map((op) => op.entity_id)]);
    const rows = await outbox.entries([...ids]);
    // Who looked later has seen more.
    if (turn !== this.#turn) return;
    const taken = [];
    for (const row of rows) {
      const before = this.rows.get(row.id);
      const asOf = before?.asOf ?? (row.synced ? this.reference.now() : null);
      if (row.synced && before && !before.synced) taken.push(row.id);
      this.rows.set(row.id, { ...row, asOf: row.synced ? asOf : null });
    }
    this.waiting = waiting;
    if (taken.length) this.dispatchEvent(new CustomEvent("taken", { detail: taken }));
    this.dispatchEvent(new Event("change"));
  }

  /** How a line waits. @param {string} id @returns {Kept | undefined} undefined: the server has all of it */
  kept(id) {
    return this.waiting.find((op) => op.entity_id === id)?.status;
  }

  /** The day's lines, with those that are only here. @param {import("./ref.js").Day | null} day @returns {{lines: KeptLine[], count: number | null}} newest first */
  linesOf(day) {
    const last = day?.last ?? [];
    const known = new Map(last.map((line) => [line.id, line]));
    const heardAt = Date.parse(this.reference.asOf);
    for (const [id, row] of this.rows) {
      const isKept = this.kept(id);
      // The list is newer than the answer about the line.
      if (!isKept && row.asOf !== null && heardAt > row.asOf) this.rows.delete(id);
    }
    const today = day?.date ?? "";
    const here = [...this.rows.values()].reverse().filter(({ id, date }) => date === today && !known.has(id));
    const ours = here.map((row) => this.#lineOf(row));
    const theirs = last.map((line) => {
      const row = this.rows.get(line.id);
      return row ? { ...line, ...this.#lineOf(row) } : line;
    });
    const more = ours.filter(({ status }) => status !== "voided").length;
    return { lines: [...ours, ...theirs], count: day ? day.lines + more : null };
  }

  /** @param {any} row @returns {KeptLine} */
  #lineOf(row) {
    const { id, farmer_id, flower_type, quantity, unit, rate, total, status, version, captured_at } = row;
    const line = { id, farmer: farmer_id, flower: flower_type, quantity, unit, rate, amount: total, status };
    return { ...line, version, captured_at, mine: true, kept: this.kept(id) };
  }

  /**
   * Write a line; with the same id it is written once. `ok` is said when it is on the tablet's disk; where there is
   * none for us, when the server has it.
   *
   * @param {Line} line @returns {Promise<Result>}
   */
  async write(line) {
    await this.#begun;
    if (!this.outbox) return this.post(LINES, line.id, line.id, bodyOf(line));
    const { reference } = this;
    const { id, captured_at, ...set } = bodyOf(line);
    const date = businessDate(line.at, reference.shop?.turnover_hour ?? 0);
    const slip_number = await this.#slip(id, date).catch(() => undefined);
    if (slip_number === undefined) return { kind: "full" };
    const quoted = {
      rate: line.quoted === null ? null : sentMoney(line.quoted),
      slot: reference.slot()?.id ?? null,
    };
    return this.keep({
      operation: "CREATE",
      entity_id: id,
      set: slip_number ? { ...set, slip_number } : set,
      captured: reference.stamp(line.at),
      quoted,
      supersedes: this.waiting.find((op) => op.entity_id === id && op.status === "needs_fix")?.id ?? null,
      entry: {
        ...rowOf(line),
        date,
        status: "confirmed",
        version: null,
        slip_number,
        captured_at,
        sync_timestamp: null,
      },
    });
  }

  /** An operation onto the disk, and off it goes. @param {object} said as the outbox records it @returns {Promise<Result>} */
  keep(said) {
    return this.#kept(() => this.outbox.record(said));
  }

  /** @param {() => Promise<any>} write answers the row of the entry @returns {Promise<Result>} */
  async #kept(write) {
    await this.ready;
    const problem = this.refusal();
    if (problem) return { kind: "refused", problem };
    try {
      const row = await write();
      this.rows.set(row.id, { ...row, asOf: null });
      // Before it is said that it is saved, the screen knows that it is only here; it looks itself in a moment.
      this.waiting = [...this.waiting, justKept(row.id)];
      wakeWorker();
      painted().then(() => this.outbox.drain());
      return { kind: "ok", entry: entryOf(row) };
    } catch (error) {
      if (error instanceof /** @type {any} */ (self).malarOffline.Taken)
        return { kind: "refused", problem: { ...TAKEN } };
      return { kind: "full" };
    }
  }

  /** A line will be written soon: its slip's number is drawn meanwhile, and used for whichever comes first. */
  prepare() {
    const { outbox, reference } = this;
    const date = businessDate(reference.now(), reference.shop?.turnover_hour ?? 0);
    if (!outbox || this.#next?.date === date) return;
    this.#next = { date, slip: outbox.device.slip(date).catch(() => null) };
  }

  /** @param {string} date @returns {Promise<string | null>} */
  async #draw(date) {
    const drawn = this.#next?.date === date ? this.#next.slip : null;
    this.#next = null;
    return (await drawn) ?? this.outbox.device.slip(date);
  }

  /** The number of a line's slip, the same for every try of it. @param {string} id @param {string} date @returns {Promise<string | null>} */
  #slip(id, date) {
    const known = this.#slips.get(id) ?? this.#draw(date);
    this.#slips.set(id, known);
    known.catch(() => this.#slips.delete(id));
    return known;
  }

  /**
   * Undo a line of this page: it stays in the book, struck out.
   *
   * @param {Pick<Done, "version"> & {line: Pick<Line, "id">, entry?: object}} done entry: its row, where the tablet has none
   * @param {string} reason for people, in their language
   * @returns {Promise<Result>}
   */
  async cancel(done, reason) {
    const { id } = done.line;
    await this.#begun;
    if (this.outbox) {
      const { reference, outbox } = this;
      const row = this.rows.get(id);
      const version = row ? row.version : done.version;
      const captured = reference.stamp(reference.now());
      const { entry } = done;
      return this.#kept(() => outbox.cancel({ entity_id: id, version, reason, captured, entry }));
    }
    const key = this.#cancellations.get(id) ?? crypto.randomUUID();
    this.#cancellations.set(id, key);
    return this.post(`${LINES}${id}/void/`, key, id, { version: done.version, reason });
  }

  /** @param {string} path @param {string} key @param {string} id of the line the answer must be about @param {object} body @param {{method?: string, isAgain?: boolean}} [how] @returns {Promise<Result>} */
  async post(path, key, id, body, { method = "POST", isAgain = false } = {}) {
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
        method,
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
    if (answer.code === "csrf_failed" && !isAgain) {
      reference.csrf = "";
      return this.post(path, key, id, body, { method, isAgain: true });
    }
    // Too often, or the server's own fault: the line is as good as before and may be sent again.
    if (response.status === 429 || response.status >= 500) return { kind: "unreachable" };
    return { kind: "refused", problem: answer };
  }
}

/** What the outbox will say of it. @param {string} id of the line @returns {Waiting} */
function justKept(id) {
  const created = Date.now();
  return { id, entity_id: id, operation: "", status: "queued", created, retry_count: 0, error: null };
}

/** When what has been drawn is on the glass; shortly, where nobody looks and nothing is painted. */
export function painted() {
  return new Promise((go) => {
    // The second frame begins when the first one is there.
    self.requestAnimationFrame?.(() => requestAnimationFrame(go));
    setTimeout(go, HIDDEN_MS);
  });
}

/** Where the browser can, the worker sends what waits once there is a network, also when the page is closed by then. */
function wakeWorker() {
  navigator.serviceWorker?.ready
    .then((registration) => /** @type {any} */ (registration).sync?.register("drain"))
    .catch(() => {}); // it is a gift, not the way
}

/** What was written with this id is another line. @type {Problem} */
const TAKEN = { type: "", title: "", detail: "", errors: [], code: "id_exists", status: 409 };

/** A line as it stands on the tablet. @param {any} row @returns {Entry} */
function entryOf(row) {
  const { id, slip_number, rate, total, quantity, version, status, needs_review } = row;
  return {
    id,
    slip_number: slip_number ?? "",
    rate,
    amount: total,
    quantity,
    version,
    status,
    needs_review: Boolean(needs_review),
    rate_pending: rate === null,
  };
}

/** @param {Line} line @returns {{id: string, captured_at: string} & Record<string, any>} as POST daily-entries reads it */
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

/** What the tablet shows of a line until the server has said. @param {Line} line */
export function rowOf({ farmer, flower, quantity, unit, quoted, amount }) {
  return {
    farmer_id: farmer,
    flower_type: flower,
    quantity: sentQuantity(quantity),
    unit,
    rate: quoted === null ? null : sentMoney(quoted),
    total: amount === null ? null : sentMoney(amount),
  };
}

/** Whether two lines are the same to the book, but for their moment. @param {Line} one @param {Line} other */
export function isSame(one, other) {
  return JSON.stringify(bodyOf({ ...one, at: 0 })) === JSON.stringify(bodyOf({ ...other, at: 0 }));
}

/** What can be undone of a line just written. @param {Line} line @param {Entry} entry @returns {Done} */
export function doneOf(line, entry) {
  return { line, version: entry.version, amount: entry.amount === null ? null : paiseOf(entry.amount) };
}
