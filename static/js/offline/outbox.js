/**
 * The outbox: what was done on this tablet, in the order it was done, until the server has said of each that it has it.
 *
 * An operation and its entry are written in one strict transaction; then it is sent, by one drain at a time (Web
 * Locks; two at once do no harm, for the server takes each operation once). Nothing leaves but by an answer about
 * this very operation. Five tries at 1, 2, 4, 8, 16 s make a round; then it is `stalled` until the next sign of life.
 */
(() => {
  const offline = /** @type {any} */ (self).malarOffline;
  /**
   * @typedef {"CREATE" | "UPDATE" | "DELETE" | "SETTLEMENT" | "RESOLVE"} Operation
   * @typedef {"queued" | "sending" | "stalled" | "blocked" | "conflict" | "needs_fix" | "acked"} Status
   * @typedef {{code: string, pointer: string, detail: string}} Reason
   * @typedef {object} Wire an operation as it travels; never changed once it is written
   * @property {string} op_id
   * @property {number} seq
   * @property {1} v
   * @property {Operation} operation
   * @property {string} entity
   * @property {string} entity_id
   * @property {number | null} base_version
   * @property {object | null} base
   * @property {Record<string, any>} set
   * @property {object} captured
   * @property {{rate: string | null, slot: string | null} | null} quoted
   * @property {string | null} supersedes
   * @typedef {object} Queued a row of sync_queue
   * @property {string} id
   * @property {number} seq its place in the order of sending; what mends another has that one's
   * @property {string} [stream] the queue it goes under, where that is not the present one
   * @property {Operation} operation
   * @property {string} entity_id
   * @property {string} author_id
   * @property {Wire} payload
   * @property {Status} status
   * @property {number} retry_count of this round
   * @property {number} total_attempts
   * @property {number | null} last_attempt epoch ms of the device
   * @property {number} next_attempt
   * @property {number} [not_before] the server has asked to be left alone until then; no new round is earlier
   * @property {number} server_errors how often the server failed on a batch with it
   * @property {Reason | null} error
   * @property {number} created
   * @property {number | null} acked_at
   * @property {boolean} [given_up] a person took back what the server had refused
   * @property {string} [superseded_by]
   */

  const LOCK = "drain";
  const CHANNEL = "malar-outbox";
  /** @type {Operation[]} */
  const ORDER = ["CREATE", "UPDATE", "DELETE", "SETTLEMENT", "RESOLVE"];
  const [FEWEST_OPS, FIRST_OPS, MOST_OPS] = [5, 10, 50];
  /** How long the server itself was at a batch: less, and the next may be twice as large; more, and it is half. */
  const [QUICK_MS, SLOW_MS] = [120, 300];
  const MOST_BYTES = 65_536;
  /** Of a batch, for all that is not its operations. */
  const FRAME_BYTES = 1024;
  /** So many refused halves, and none that went through: it is the server, not one of them. */
  const HOPELESS = 8;
  /** @type {Status[]} */
  const OPEN = ["queued", "sending", "stalled", "blocked", "conflict", "needs_fix"];
  const SENDABLE = new Set(["queued", "sending"]);

  /** Something else was written with this id before. */
  class Taken extends Error {}
  offline.Taken = Taken;

  /**
   * Dispatches `change` when what waits, or what keeps it, is another; whoever listens looks anew.
   */
  class Outbox extends EventTarget {
    /**
     * What keeps it from sending until the next try from outside; no try of an operation is spent on it.
     *
     * signed_out: nobody is, or one who does not sell. other: somebody else is, or of another shop. old: the server
     * speaks a newer protocol. blocked: the owner has blocked this tablet. held: it does not understand us.
     *
     * @type {"" | "signed_out" | "other" | "old" | "blocked" | "held"}
     */
    obstacle = "";
    #csrf = "";
    #greetedAt = -Infinity;
    #pausedUntil = 0;
    #most = FIRST_OPS;
    #limit = MOST_OPS;
    /** @type {Promise<void> | null} */
    #running = null;
    #isWanted = false;
    #isNewRound = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    /** @type {BroadcastChannel | null} */
    #channel = null;

    /**
     * @param {{user: string, shop: string, send?: typeof fetch, locks?: LockManager | null, staysAwake?: boolean,
     *   ledger?: any, device?: any, tells?: boolean}} about staysAwake: whether it may wait for the next try by itself;
     *   tells: other pages and the worker hear of changes
     */
    constructor({
      user,
      shop,
      send = (...args) => fetch(...args),
      locks = navigator.locks ?? null,
      staysAwake = true,
      ledger = offline.ledgerOf(user),
      device = new offline.Device(),
      tells = true,
    }) {
      super();
      this.user = user;
      this.shop = shop;
      this.send = send;
      this.locks = locks;
      this.staysAwake = staysAwake;
      this.ledger = ledger;
      this.device = device;
      if (tells && typeof BroadcastChannel !== "undefined") {
        this.#channel = new BroadcastChannel(CHANNEL);
        this.#channel.onmessage = ({ data }) => {
          if (data === this.user) this.dispatchEvent(new Event("change"));
        };
      }
    }

    /** Whether there is a disk to write to. Raises what the browser says. */
    async open() {
      const late = new Promise((_, refuse) => {
        setTimeout(() => refuse(new Error("The database does not open.")), offline.settings.open);
      });
      await Promise.race([Promise.all([this.ledger.open(), this.device.itself()]), late]);
      return this;
    }

    async close() {
      clearTimeout(this.#timer);
      this.staysAwake = false;
      this.#channel?.close();
      await this.#running;
      await Promise.all([this.ledger.close(), this.device.disk.close()]);
    }

    // --- Writing ------------------------------------------------------------------------------

    /**
     * Write an operation and what it makes of its entry, on the disk before it answers.
     *
     * A CREATE of an entry that is here already, of the same facts, is the same one: nothing is written twice.
     *
     * @param {object} said
     * @param {Operation} said.operation
     * @param {string} said.entity_id
     * @param {Record<string, any>} said.set
     * @param {object} said.captured {device_ms, offset_ms, unc_ms, mono_ms, boot}
     * @param {Record<string, any>} said.entry what of its row changes
     * @param {string} [said.entity]
     * @param {number | null} [said.base_version] null: what the operation before it in this queue makes of the entry
     * @param {{rate: string | null, slot: string | null} | null} [said.quoted]
     * @param {string | null} [said.supersedes] the operation that the server could not use
     * @param {number} [said.place] in the order of sending, instead of the last
     * @param {string} [said.op_id] its id, where another door knows it by that
     * @returns {Promise<Record<string, any>>} the row of the entry. Raises Taken, or what the disk says
     */
    async record(said) {
      const { operation, entity_id, set, entity = "daily_entry", captured } = said;
      const { base_version = null, quoted = null, supersedes = null, op_id = crypto.randomUUID() } = said;
      // A farmer lies among the others, until the server's list has him.
      const stores = [entity === "farmer" ? "farmers" : "daily_entries", "sync_queue", "meta"];
      const kept = await this.ledger.strict(stores, async (/** @type {any} */ tx) => {
        const [entries, queue, meta] = stores.map((name) => tx.objectStore(name));
        const before = await entries.get(entity_id);
        if (operation === "CREATE" && before && !supersedes) {
          const facts = (/** @type {any} */ { slip_number, ...rest } = {}) => JSON.stringify(rest);
          if (facts(before.facts) === facts(set)) return before;
          throw new Taken(entity_id);
        }
        const old = supersedes && (await queue.get(supersedes));
        const wire = { op_id, operation, entity, entity_id, base_version, set, captured, quoted, supersedes };
        const op = await numbered(meta, wire, this.user, said.place ?? (old || undefined)?.seq);
        const row = { ...before, ...said.entry, id: entity_id, author_id: this.user };
        if (operation === "CREATE") Object.assign(row, { facts: set, captured, synced: false });
        offline.put(queue, op);
        offline.put(entries, row);
        if (old) offline.put(queue, { ...old, ...goneNow(), given_up: old.given_up, superseded_by: op.id });
        return row;
      });
      this.tell();
      return kept;
    }

    /**
     * Take back an entry. One that the server could not use is only struck out here: there is none to cancel.
     *
     * @param {{entity_id: string, version: number | null, reason: string, captured: object, entry?: object}} said
     *   entry: what is known of it, where the tablet has no row of it
     * @returns {Promise<Record<string, any>>} the row of the entry
     */
    async cancel({ entity_id, version, reason, captured, entry: known }) {
      const entry = { ...known, status: "voided" };
      const given = await this.ledger.strict(
        ["daily_entries", "sync_queue"],
        async (/** @type {any} */ tx) => {
          const queue = tx.objectStore("sync_queue");
          const refused = (await queue.index("status").getAll("needs_fix")).find(
            (/** @type {Queued} */ op) =>
              op.entity_id === entity_id && "CREATE SETTLEMENT".includes(op.operation),
          );
          if (!refused) return null;
          const row = { ...(await tx.objectStore("daily_entries").get(entity_id)), ...entry };
          offline.put(tx.objectStore("daily_entries"), row);
          offline.put(queue, { ...refused, ...goneNow() });
          const isMore = (await openIn(queue)).some(
            (op) => op.entity_id === entity_id && op.id !== refused.id,
          );
          return { row, place: isMore ? refused.seq : undefined };
        },
      );
      if (given && given.place === undefined) {
        this.tell();
        return given.row;
      }
      const wire = { entity_id, base_version: version, set: { reason }, captured };
      return this.record({ operation: "DELETE", ...wire, entry, place: given?.place });
    }

    // --- What waits ---------------------------------------------------------------------------

    /** All that the server has not taken, oldest first. @returns {Promise<Queued[]>} */
    async waiting() {
      return this.ledger.read(["sync_queue"], (/** @type {any} */ tx) =>
        openIn(tx.objectStore("sync_queue")),
      );
    }

    /** The rows of entries, and of farmers. @param {string[]} ids @returns {Promise<Record<string, any>[]>} those that are here */
    async entries(ids) {
      const homes = ["daily_entries", "farmers"];
      const rows = await this.ledger.read(homes, (/** @type {any} */ tx) => {
        const [entries, farmers] = homes.map((home) => tx.objectStore(home));
        return Promise.all(ids.map(async (id) => (await entries.get(id)) ?? farmers.get(id)));
      });
      return rows.filter(Boolean);
    }

    /**
     * Meet the server although nothing waits: before the first sale for the series of its slip numbers and the key to
     * seal with, and now and then for its epoch, for it may have been put back to last night.
     */
    async meet() {
      const { series } = await this.device.itself();
      const isKnown = series && (await this.device.get("seal"));
      if (isKnown && Date.now() - this.#greetedAt < offline.settings.helloHolds) return;
      if (await this.#greet([])) await this.drain();
    }

    // --- Sending ------------------------------------------------------------------------------

    /**
     * Send what is due, until nothing is.
     *
     * @param {{isNewRound?: boolean}} [how] isNewRound: what is stalled or blocked is tried again, too
     */
    drain({ isNewRound = false } = {}) {
      this.#isNewRound ||= isNewRound;
      if (this.#running) {
        this.#isWanted = true;
        return this.#running;
      }
      this.#running = this.#drain().finally(() => {
        this.#running = null;
        // Wanted after the last look.
        if (this.#isWanted) this.drain();
      });
      return this.#running;
    }

    async #drain() {
      clearTimeout(this.#timer);
      const { obstacle } = this;
      const run = async () => {
        do {
          this.#isWanted = false;
          await this.#run();
        } while (this.#isWanted);
      };
      if (!this.locks) await run();
      else {
        const isMine = await this.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
          if (lock) await run();
          return Boolean(lock);
        });
        if (!isMine) {
          this.#isWanted = false;
          this.#wait(offline.settings.busy);
          return;
        }
      }
      await this.#waitForNext();
      if (this.obstacle !== obstacle) this.dispatchEvent(new Event("change"));
    }

    /** @param {number} ms */
    #wait(ms) {
      clearTimeout(this.#timer);
      if (this.staysAwake) this.#timer = setTimeout(() => this.drain(), Math.max(ms, 0));
    }

    async #waitForNext() {
      if (this.obstacle) return;
      const open = await this.waiting();
      const next = Math.min(...ready(open).map((op) => op.next_attempt));
      if (Number.isFinite(next)) this.#wait(Math.max(next, this.#pausedUntil) - Date.now());
    }

    async #run() {
      if (this.#isNewRound) {
        this.#isNewRound = false;
        this.obstacle = "";
        await this.#revive("stalled", "blocked", "queued");
      }
      if (this.obstacle) return;
      // What is due so soon goes with what goes now: a dead line is tried less often while somebody types.
      const soon = offline.settings.waits[0] / 2;
      while (Date.now() >= this.#pausedUntil) {
        const open = await this.waiting();
        const due = ready(open).filter(
          (op) => Math.max(op.next_attempt - soon, op.not_before ?? 0) <= Date.now(),
        );
        const batch = this.#batchOf(due);
        if (!batch.length) break;
        if (Date.now() - this.#greetedAt > offline.settings.helloHolds || !this.#csrf) {
          if (!(await this.#greet(due))) break;
          // It may have asked for more, or revived something.
          continue;
        }
        if (!(await this.#deliver(batch, open))) break;
      }
    }

    /** Who is signed in, and whether this server knows us. @param {Queued[]} gated @returns {Promise<boolean>} whether sending may go on */
    async #greet(gated) {
      const { id } = await this.device.itself();
      const stream = await this.#stream();
      const headers = { "X-Device-Id": id };
      const answer = await offline.ask({
        path: `hello/?stream=${stream.stream_id}`,
        headers,
        timeout: offline.settings.hello,
        send: this.send,
      });
      if (answer?.status !== 200 || !answer.body?.user) return this.#unheard(answer, gated, true);
      const said = answer.body;
      if (said.user.id !== this.user || said.shop !== this.shop) this.obstacle = "other";
      else if (said.min_protocol > 1) this.obstacle = "old";
      if (this.obstacle) return false;
      this.#csrf = said.csrf;
      if (said.seal) await this.device.put(said.seal, "seal");
      if (!(await this.#known(id, said.device, gated))) return false;
      this.#greetedAt = Date.now();
      await this.#lives(said.epoch);
      await this.#revive("stalled");
      await this.#lookForDecided(headers);
      await this.#tidy();
      return true;
    }

    /** What was decided elsewhere asks nobody here. @param {object} headers */
    async #lookForDecided(headers) {
      const ours = await this.ledger.read(["conflicts"], (/** @type {any} */ tx) =>
        tx.objectStore("conflicts").getAll(),
      );
      if (!ours.length) return;
      const answer = await offline.ask({
        path: "conflicts/",
        headers,
        timeout: offline.settings.answer,
        send: this.send,
      });
      const open = answer?.status === 200 && answer.body?.conflicts;
      if (!open || open.length > 199) return; // not all of them
      const ids = new Set(open.map((/** @type {any} */ { id }) => id));
      const stores = ["conflicts", "sync_queue"];
      await this.ledger.strict(stores, async (/** @type {any} */ tx) => {
        const [conflicts, queue] = stores.map((name) => tx.objectStore(name));
        for (const row of ours) if (!ids.has(row.id)) await letGo(conflicts, queue, row);
      });
      this.tell();
    }

    /** The server knows this tablet, and has given it a series. @param {string} id @param {any} device as hello says it @param {Queued[]} gated @returns {Promise<boolean>} */
    async #known(id, device, gated) {
      let said = device;
      if (!said) {
        const answer = await this.#post("device/", { id }, offline.settings.answer);
        if (answer?.status !== 200 || !answer.body) return this.#unheard(answer, gated, true);
        said = answer.body;
      }
      if (said.is_blocked) this.obstacle = "blocked";
      const { series, name } = said;
      const known = await this.device.itself();
      if (known.series !== series) await this.device.put({ id, series, name }, "itself");
      return !this.obstacle;
    }

    /** Another life of the database, put back from last night: it is offered again what it had taken. @param {string} epoch */
    async #lives(epoch) {
      const stores = ["meta", "sync_queue"];
      await this.ledger.strict(stores, async (/** @type {any} */ tx) => {
        const [meta, queue] = stores.map((name) => tx.objectStore(name));
        const before = await meta.get("epoch");
        if (before === epoch) return;
        offline.put(meta, epoch, "epoch");
        if (!before) return;
        for (const op of await queue.index("status").getAll("acked"))
          if (!op.given_up) offline.put(queue, { ...op, status: "queued", retry_count: 0, next_attempt: 0 });
      });
    }

    async #stream() {
      return this.ledger.strict(["meta"], async (/** @type {any} */ tx) => {
        const meta = tx.objectStore("meta");
        const known = await meta.get("stream");
        if (known) return known;
        const made = { stream_id: crypto.randomUUID(), seq: 0 };
        offline.put(meta, made, "stream");
        return made;
      });
    }

    /** @param {string} path @param {object} body @param {number} timeout @param {string} [key] @returns {Promise<any>} */
    async #post(path, body, timeout, key = crypto.randomUUID()) {
      const { id } = await this.device.itself();
      const headers = { "X-CSRFToken": this.#csrf, "X-Device-Id": id, "Idempotency-Key": key };
      return offline.ask({ path, body, headers, timeout, send: this.send });
    }

    /** As many as go into one batch: in order, and one that fails by itself travels alone. @param {Queued[]} due */
    #batchOf(due) {
      const rest = due.filter((op) => op.server_errors < 2);
      if (!rest.length) return due.slice(0, 1);
      const batch = [];
      let bytes = FRAME_BYTES;
      const ofOneQueue = rest.filter((op) => op.stream === rest[0].stream);
      for (const op of ofOneQueue.slice(0, this.#most)) {
        bytes += new TextEncoder().encode(JSON.stringify(op.payload)).length + 1;
        if (batch.length && bytes > MOST_BYTES) break;
        batch.push(op);
      }
      return batch;
    }

    /**
     * Send a batch, and keep what was said of each.
     *
     * @param {Queued[]} batch @param {Queued[]} open @param {boolean} [isFresh] no second try of it on other grounds yet
     * @returns {Promise<boolean>} whether more may follow now
     */
    async #deliver(batch, open, isFresh = true) {
      const answer = await this.#sent(batch, open);
      if (answer?.status === 200) {
        this.#pace(batch.length, answer.body.took_ms);
        if (await this.#heard(batch, answer.body.results)) return true;
        await this.#failed(batch, 0);
        return false;
      }
      if (answer?.status === 413 && batch.length > 1) {
        this.#most = this.#limit = Math.ceil(batch.length / 2);
        return true;
      }
      if (answer && answer.status >= 500 && batch.length > 1 && batch.every((op) => op.server_errors > 0))
        return this.#bisected(batch, open);
      const { code } = answer?.body ?? {};
      if (isFresh && ["csrf_failed", "device_unknown", "stream_taken"].includes(code)) {
        this.#csrf = "";
        if (code === "stream_taken") await this.#newStream(batch);
        if (!(await this.#greet(batch))) return false;
        const all = await this.waiting();
        return this.#deliver(this.#batchOf(ready(all)), all, false);
      }
      return this.#unheard(answer, batch);
    }

    /**
     * When all tablets come back at once, none may keep the others waiting. By the server's own time and not the
     * line's: a slow line wants few and large batches.
     *
     * @param {number} sent @param {number} took ms; where the server does not say it, all stays as it is
     */
    #pace(sent, took) {
      if (took > SLOW_MS) this.#most = Math.max(FEWEST_OPS, Math.ceil(sent / 2));
      else if (took < QUICK_MS && sent === this.#most) this.#most = Math.min(this.#limit, sent * 2);
    }

    /** Mark it, and send it. @param {Queued[]} batch @param {Queued[]} open */
    async #sent(batch, open) {
      const now = Date.now();
      await this.#change(batch, () => ({ status: "sending", last_attempt: now }), true);
      const { id } = await this.device.itself();
      const [{ stream: named }] = batch;
      // What is left of a former queue announces nothing; it is counted with the present one.
      const stream = named ? { stream_id: named, seq: 0 } : await this.#stream();
      const told = named ? [] : open;
      const clock = await this.device.get("clock");
      const count = (/** @type {Status[]} */ ...of) => told.filter((op) => of.includes(op.status)).length;
      const body = {
        device_id: id,
        stream_id: stream.stream_id,
        author_id: this.user,
        clock: {
          offset_ms: clock?.offset_ms ?? null,
          rtt_ms: clock?.rtt_ms ?? null,
          age_s: clock ? Math.max(0, Math.round((now - clock.at) / 1000)) : null,
          jumps: clock?.jumps ?? 0,
        },
        queue: {
          pending: count("queued", "sending", "stalled", "blocked"),
          stalled: count("stalled"),
          conflicts: count("conflict"),
          oldest_ms: told.length ? Math.min(...told.map((op) => op.created)) : null,
          last_seq: stream.seq,
        },
        ops: batch.map((op) => op.payload),
      };
      return this.#post("ops/", body, offline.settings.answer);
    }

    /**
     * Our queue is somebody else's at the server: a new one, whose numbers begin at 1. What the server may have seen
     * is never changed: it goes on under its own number, in a queue of its own that announces nothing.
     *
     * @param {Queued[]} refused as a whole, so that this try was none
     */
    async #newStream(refused) {
      const ids = new Set(refused.map((op) => op.id));
      const stores = ["meta", "sync_queue"];
      await this.ledger.strict(stores, async (/** @type {any} */ tx) => {
        const [meta, queue] = stores.map((name) => tx.objectStore(name));
        const before = await meta.get("stream");
        /** @type {Record<string, string>} */
        const left = {};
        let seq = 0;
        for (const op of inOrder(await queue.getAll()))
          if (op.total_attempts > (ids.has(op.id) ? 1 : 0)) {
            left[op.stream ?? ""] ??= crypto.randomUUID();
            offline.put(queue, { ...op, stream: left[op.stream ?? ""] });
          } else {
            seq += 1;
            const payload = { ...op.payload, seq };
            offline.put(queue, { ...op, payload, stream: undefined, total_attempts: 0 });
          }
        offline.put(meta, { ...before, stream_id: crypto.randomUUID(), seq }, "stream");
      });
    }

    /** Twice the server fell over this batch: one of them is poison, and the others need not wait for it. @param {Queued[]} batch @param {Queued[]} open */
    async #bisected(batch, open) {
      let failures = 0;
      /** @type {Queued[]} */
      const left = [];
      /** @param {Queued[]} part @returns {Promise<void>} */
      const half = async (part) => {
        if (failures >= HOPELESS) {
          left.push(...part);
          return;
        }
        const answer = await this.#sent(part, open);
        if (answer?.status === 200 && (await this.#heard(part, answer.body.results))) {
          failures = 0;
          return;
        }
        failures += 1;
        if (part.length === 1) left.push(...part);
        else {
          await half(part.slice(0, part.length >> 1));
          await half(part.slice(part.length >> 1));
        }
      };
      await half(batch.slice(0, batch.length >> 1));
      await half(batch.slice(batch.length >> 1));
      const isHopeless = failures >= HOPELESS;
      await this.#failed(left, 0, isHopeless ? "server" : "poison");
      return !isHopeless;
    }

    /** No word about these operations; what it means. @param {any} answer @param {Queued[]} batch @param {boolean} [isGate] it was not they that were sent @returns {Promise<boolean>} false: not now */
    async #unheard(answer, batch, isGate = false) {
      const { status = 0, body, retryAfter = 0 } = answer ?? {};
      if (retryAfter) this.#pausedUntil = Date.now() + retryAfter;
      if (status !== 429 && !(body && [400, 401, 403, 409, 426].includes(status))) {
        await this.#failed(batch, retryAfter, status >= 500 && !isGate ? "server" : "line");
        return false;
      }
      if (status === 429) this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + offline.settings.busy);
      const until = status === 429 ? { next_attempt: this.#pausedUntil, not_before: this.#pausedUntil } : {};
      await this.#change(batch, () => ({ status: "queued", ...until }));
      this.#csrf = "";
      if (status === 429) return false;
      const { code } = body;
      if (status === 426) this.obstacle = "old";
      else if (code === "user_mismatch") this.obstacle = "other";
      else if (code === "device_blocked") this.obstacle = "blocked";
      else this.obstacle = status === 401 || code === "not_allowed" ? "signed_out" : "held";
      return false;
    }

    /** A try is spent. @param {Queued[]} batch @param {number} retryAfter ms @param {"line" | "server" | "poison"} [why] */
    async #failed(batch, retryAfter, why = "line") {
      const { waits } = offline.settings;
      const now = Date.now();
      // Of a round, a page shows the first failure and the last. It reads all that waits for it, while somebody types.
      let isShown = false;
      await this.#change(batch, (op) => {
        const retry_count = op.retry_count + 1;
        isShown ||= retry_count === 1 || retry_count > waits.length;
        const wait = Math.max(waits[Math.min(retry_count, waits.length) - 1], retryAfter);
        return {
          retry_count,
          status: retry_count > waits.length ? "stalled" : "queued",
          next_attempt: now + wait,
          ...(retryAfter ? { not_before: now + retryAfter } : {}),
          last_attempt: op.last_attempt ?? now,
          server_errors: why === "line" ? op.server_errors : why === "poison" || batch.length === 1 ? 2 : 1,
        };
      });
      if (isShown) this.dispatchEvent(new Event("change"));
    }

    /**
     * What the server said of each, and of its entry: in one transaction.
     *
     * @param {Queued[]} batch @param {any} results @returns {Promise<boolean>} false: that was no answer to this batch
     */
    async #heard(batch, results) {
      const ours = new Map(batch.map((op) => [op.id, op]));
      if (!Array.isArray(results) || results.some((result) => !ours.has(result?.op_id))) return false;
      const said = new Map(results.map((result) => [result.op_id, result]));
      /** @type {Queued[]} */
      const unsaid = [];
      const stores = ["sync_queue", "daily_entries", "conflicts", "farmers"];
      await this.ledger.strict(stores, async (/** @type {any} */ tx) => {
        unsaid.length = 0;
        const [queue, entries, conflicts, farmers] = stores.map((name) => tx.objectStore(name));
        /** @type {Queued[]} */
        const all = await openIn(queue);
        for (const op of batch) {
          const result = said.get(op.id);
          const kept = await queue.get(op.id);
          if (!kept) continue; // sealed meanwhile
          const next = result && statusOf(result, kept);
          if (!next) {
            unsaid.push(op);
            continue;
          }
          const now = Date.now();
          const changes = { status: next, error: result.error ?? null };
          offline.put(queue, {
            ...kept,
            ...changes,
            server_errors: 0,
            retry_count: 0,
            acked_at: next === "acked" ? now : null,
          });
          if (op.operation === "RESOLVE") {
            if (next === "acked") await decided(conflicts, queue, entries, op, result);
            continue;
          }
          if (op.payload.entity === "farmer") {
            const farmer = await farmers.get(op.entity_id);
            if (farmer && next === "acked") offline.put(farmers, { ...farmer, synced: true });
            // What is his may go now.
            this.#isNewRound = this.#isWanted = next === "acked";
            continue;
          }
          if (next === "needs_fix" && op.operation === "CREATE") await letGoOfUndoing(queue, op);
          const before = await entries.get(op.entity_id);
          const isMore = all.some((other) => other.entity_id === op.entity_id && other.seq > op.seq);
          const entry = before && heardOf(before, result, next, now, isMore);
          if (entry) offline.put(entries, entry);
          if (next === "conflict")
            offline.put(conflicts, {
              op_id: op.id,
              id: result.conflict ?? null,
              entity_id: op.entity_id,
              mine: op.payload,
              theirs: result.entity ?? null,
              at: now,
            });
        }
      });
      if (unsaid.length) await this.#failed(unsaid, 0);
      this.tell();
      return true;
    }

    /** A new round for what has given up for a while. @param {...Status} which */
    async #revive(...which) {
      await this.ledger.strict(["sync_queue"], async (/** @type {any} */ tx) => {
        const queue = tx.objectStore("sync_queue");
        for (const status of which)
          for (const op of await queue.index("status").getAll(status))
            if (status !== "queued" || op.retry_count)
              offline.put(queue, {
                ...op,
                status: "queued",
                retry_count: 0,
                next_attempt: op.not_before ?? 0,
              });
      });
    }

    /**
     * Rows of the queue, unless an answer has come to them by another way meanwhile.
     *
     * @param {Queued[]} ops @param {(op: Queued) => Partial<Queued>} changes @param {boolean} [isTry]
     */
    async #change(ops, changes, isTry = false) {
      if (!ops.length) return;
      await this.ledger.strict(["sync_queue"], async (/** @type {any} */ tx) => {
        const queue = tx.objectStore("sync_queue");
        for (const op of ops) {
          const kept = await queue.get(op.id);
          if (!kept || !SENDABLE.has(kept.status)) continue;
          offline.put(queue, {
            ...kept,
            total_attempts: kept.total_attempts + (isTry ? 1 : 0),
            ...changes(kept),
          });
        }
      });
    }

    /** What was acknowledged long ago goes. */
    async #tidy() {
      await this.ledger.strict(["sync_queue", "daily_entries"], async (/** @type {any} */ tx) => {
        const queue = tx.objectStore("sync_queue");
        for (const op of await queue
          .index("acked_at")
          .getAll(IDBKeyRange.upperBound(Date.now() - offline.settings.kept))) {
          offline.remove(queue, op.id);
          offline.remove(tx.objectStore("daily_entries"), op.entity_id);
        }
      });
    }

    /** Whoever listens looks anew. */
    tell() {
      this.dispatchEvent(new Event("change"));
      this.#channel?.postMessage(this.user);
    }
  }
  offline.Outbox = Outbox;

  /** The next number, in the transaction of its operation. @param {any} meta the store @param {any} said of the wire @param {string} author @param {number} [place] in the order of sending, instead of the last @returns {Promise<Queued>} */
  async function numbered(meta, said, author, place) {
    const { last, ...stream } = (await meta.get("stream")) ?? { stream_id: crypto.randomUUID(), seq: 0 };
    const seq = stream.seq + 1;
    const next = (last ?? stream.seq) + 1;
    offline.put(meta, { ...stream, seq, last: next }, "stream");
    return queuedOf({ op_id: crypto.randomUUID(), seq, v: 1, base: null, ...said }, author, place ?? next);
  }

  offline.numbered = numbered;

  /** It waits no longer, and is not offered again. @returns {{status: Status, acked_at: number, given_up?: boolean}} */
  function goneNow() {
    return { status: "acked", acked_at: Date.now(), given_up: true };
  }

  /** @param {Wire} payload @param {string} author @param {number} place @returns {Queued} */
  function queuedOf(payload, author, place) {
    return {
      id: payload.op_id,
      seq: place,
      operation: payload.operation,
      entity_id: payload.entity_id,
      author_id: author,
      payload,
      status: "queued",
      retry_count: 0,
      total_attempts: 0,
      last_attempt: null,
      next_attempt: 0,
      server_errors: 0,
      error: null,
      created: Date.now(),
      acked_at: null,
    };
  }

  /** @param {any} queue the store @returns {Promise<Queued[]>} by seq */
  async function openIn(queue) {
    const index = queue.index("status");
    const found = await Promise.all(OPEN.map((status) => index.getAll(status)));
    return inOrder(found.flat());
  }

  /** @param {Queued[]} ops */
  function inOrder(ops) {
    return ops.sort((one, other) => one.seq - other.seq);
  }

  /** What may go, in the order it goes: an operation waits for those before it on the same entity. @param {Queued[]} open by seq @returns {Queued[]} */
  function ready(open) {
    /** @type {Set<string>} */
    const begun = new Set();
    const first = open.filter(({ entity_id }) => !begun.has(entity_id) && begun.add(entity_id));
    return first
      .filter((op) => SENDABLE.has(op.status))
      .sort(
        (one, other) => ORDER.indexOf(one.operation) - ORDER.indexOf(other.operation) || one.seq - other.seq,
      );
  }

  /** @param {any} result @param {Queued} op @returns {Status | null} null: nothing that ends this try */
  function statusOf(result, op) {
    const status = result.status === "duplicate" ? (result.of ?? "applied") : result.status;
    if (status === "applied" || status === "merged") return "acked";
    if (status === "needs_fix") return op.superseded_by || op.operation === "RESOLVE" ? "acked" : "needs_fix";
    // Somebody else has cancelled it, which is what was wanted.
    if (status === "conflict" && op.operation === "DELETE" && result.entity?.status === "voided")
      return "acked";
    return status === "conflict" || status === "blocked" ? status : null;
  }

  /** It was taken back before it was refused: nobody mends it, and its cancellation goes first, for its number is known to the server. @param {any} queue the store @param {Queued} created */
  async function letGoOfUndoing(queue, created) {
    const undoing = (await openIn(queue)).find(
      (op) => op.entity_id === created.entity_id && op.operation === "DELETE",
    );
    if (!undoing) return;
    offline.put(queue, { ...undoing, seq: created.seq });
    offline.put(queue, { ...(await queue.get(created.id)), ...goneNow() });
  }

  /** The server has heard what was decided. What it refuses is to be decided anew, on what stands now. @param {any} conflicts the store @param {any} queue @param {any} entries @param {Queued} op @param {any} result */
  async function decided(conflicts, queue, entries, op, result) {
    const { error, entity } = result;
    const isRefused = error && error.code !== "already_resolved";
    const row = (await conflicts.getAll()).find((/** @type {any} */ { id }) => id === op.entity_id);
    if (!row) return;
    const before = await entries.get(row.entity_id);
    if (before && entity) offline.put(entries, heardOf(before, result, "conflict", Date.now(), false));
    if (isRefused) offline.put(conflicts, { ...row, choice: null, error, theirs: entity ?? row.theirs });
    else await letGo(conflicts, queue, row);
  }

  /** It is decided. @param {any} conflicts the store @param {any} queue @param {any} row */
  async function letGo(conflicts, queue, { op_id }) {
    offline.put(queue, { ...(await queue.get(op_id)), status: "acked", acked_at: Date.now() });
    offline.remove(conflicts, op_id);
  }

  /** An entry as the server has it now. @param {any} before @param {any} result @param {Status} status @param {number} now @param {boolean} isMore what was done to it since is still to be sent */
  function heardOf(before, result, status, now, isMore) {
    const { entity } = result;
    if (!entity || (status !== "acked" && status !== "conflict")) return before;
    if (isMore && status === "acked")
      return { ...before, synced: true, sync_timestamp: now, slip_number: entity.slip_number };
    return {
      ...before,
      synced: true,
      sync_timestamp: now,
      version: entity.version,
      // A cancellation that still waits stays what it is.
      status: status === "acked" && before.status === "voided" ? "voided" : entity.status,
      slip_number: entity.slip_number,
      quantity: entity.quantity,
      rate: entity.rate,
      total: entity.amount,
      needs_review: Boolean(entity.needs_review),
    };
  }

  /** Whose tablet it is, as the server said last. @returns {Promise<{user: any, shop: string} | null>} null: nobody's, or too long ago */
  offline.session = async (device = new offline.Device()) => {
    const said = await device.get("session");
    return said && Date.now() - said.at < offline.settings.verified ? said : null;
  };

  /** Send what waits, of whoever is signed in: for the worker, where no page needs to be open. */
  offline.drain = async () => {
    const session = await offline.session();
    if (!session) return;
    const outbox = new Outbox({ user: session.user.id, shop: session.shop, staysAwake: false });
    try {
      await outbox.open();
      await outbox.drain({ isNewRound: true });
      // The browser tries a failed one again by itself.
      if (!outbox.obstacle && ready(await outbox.waiting()).length) throw new Error("Something still waits.");
    } finally {
      await outbox.close();
    }
  };
})();
