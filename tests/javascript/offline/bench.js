/** A bench to try the outbox on: a disk in memory, a server that can be broken, and a clock that is turned by hand. */
import { mock } from "node:test";

// By a name that is no literal: its types are no concern of ours.
await import(/** @type {string} */ ("fake-indexeddb/auto"));
/** @type {any} */ (globalThis).self = globalThis;
for (const name of ["idb", "disk", "wire", "outbox"]) await import(`../../../static/js/offline/${name}.js`);

/** @type {any} */
export const offline = /** @type {any} */ (globalThis).malarOffline;

export const USER = { id: "kumar", name: "Kumar", role: "staff", language: "ta" };
export const NOON = Date.parse("2026-11-23T12:00:00+05:30");
const CAPTURED = { device_ms: NOON, offset_ms: 0, unc_ms: 20, mono_ms: 1, boot: "b" };
const MARK = { "X-Sync-Protocol": "1" };

/** Malar, as the tablet meets it: each operation once, and what it answers can be bent. */
export class Malar {
  user = USER.id;
  shop = "shop-1";
  epoch = "epoch-1";
  csrf = "token-1";
  min_protocol = 1;
  isSignedIn = true;
  isDeviceKnown = true;
  isBlocked = false;
  /** How long it is at a batch, ms. */
  took = 1;
  /** @type {Map<string, any>} results by op_id */
  ops = new Map();
  /** @type {Map<string, any>} lines by id */
  lines = new Map();
  /** Ids of those that wait for a decision. @type {string[]} */
  conflicts = [];
  /** Requests, in order. @type {{path: string, headers: any, body: any, at: number}[]} */
  asked = [];
  /** What happens to a request to ops/ instead of the right answer, one for each; the last of `always` for ever. @type {((apply: () => Response, asked: any) => any)[]} */
  faults = [];
  /** @type {((apply: () => Response, asked: any) => any) | null} */
  always = null;
  /** What hello meets. @type {(() => any) | null} */
  atHello = null;
  /** Results of single operations, bent. @type {((op: any) => any) | null} */
  judge = null;
  now = () => Date.now();

  /** @type {any} */
  send = async (/** @type {string} */ address, /** @type {RequestInit} */ request) => {
    const path = address.replace("/sync/v1/", "").split("?")[0];
    const body = typeof request.body === "string" ? JSON.parse(request.body) : null;
    const asked = { path, headers: request.headers, body, at: Date.now(), signal: request.signal };
    this.asked.push(asked);
    await new Promise((go) => setImmediate(go));
    const broken = new Promise((_, refuse) => {
      request.signal?.addEventListener("abort", () => refuse(new Error("aborted")));
    });
    return Promise.race([this.answer(path, asked), broken]);
  };

  /** @param {string} path @param {any} asked */
  async answer(path, asked) {
    const { body } = asked;
    if (path === "hello/") return this.atHello ? this.atHello() : this.hello();
    if (path === "device/") return json({ id: body.id, name: "", series: "A1", is_blocked: this.isBlocked });
    if (path === "conflicts/") return json({ conflicts: this.conflicts.map((id) => ({ id })) });
    const fault = this.faults.shift() ?? this.always;
    const apply = () => this.apply(asked);
    return fault ? fault(apply, asked) : apply();
  }

  hello() {
    if (!this.isSignedIn) return json({ code: "auth_required" }, 401);
    const device = this.isDeviceKnown
      ? { id: "d", name: "", series: "A1", is_blocked: this.isBlocked, stream: null }
      : null;
    const { csrf, epoch, shop, min_protocol } = this;
    return json({ user: { ...USER, id: this.user }, shop, csrf, epoch, min_protocol, device, protocol: 1 });
  }

  /** @param {any} asked */
  apply({ headers, body }) {
    if (!this.isSignedIn) return json({ code: "auth_required" }, 401);
    if (headers["X-CSRFToken"] !== this.csrf) return json({ code: "csrf_failed" }, 403);
    if (body.author_id !== this.user) return json({ code: "user_mismatch" }, 409);
    const results = body.ops.map((/** @type {any} */ op) => this.once(op));
    return json({ server_time: new Date(this.now()).toISOString(), took_ms: this.took, results });
  }

  /** @param {any} op */
  once(op) {
    const before = this.ops.get(op.op_id);
    if (before) return { ...before, status: "duplicate", of: before.status };
    const judged = this.judge?.(op);
    if (judged) {
      const result = { op_id: op.op_id, version: null, entity: null, error: null, flags: [], ...judged };
      if (!["blocked", "retry"].includes(judged.status)) this.ops.set(op.op_id, result);
      return result;
    }
    const line = this.lines.get(op.entity_id);
    const entity =
      op.operation === "CREATE"
        ? {
            id: op.entity_id,
            version: 1,
            status: "confirmed",
            quantity: op.set.gross_quantity,
            rate: "640.00",
            amount: "8000.00",
            slip_number: op.set.slip_number ?? "S1-2311-001",
            needs_review: false,
          }
        : { ...line, version: line.version + 1, status: op.operation === "DELETE" ? "voided" : line.status };
    this.lines.set(op.entity_id, entity);
    const result = { op_id: op.op_id, status: "applied", version: entity.version, entity, error: null };
    this.ops.set(op.op_id, result);
    return result;
  }

  /** Batches of operations, as lists of what `name` finds in each. @param {(op: any) => any} [name] */
  batches(name = (op) => op.seq) {
    return this.asked.filter(({ path }) => path === "ops/").map(({ body }) => body.ops.map(name));
  }
}

/** @param {unknown} body @param {number} [status] @param {Record<string, string>} [headers] */
export function json(body, status = 200, headers = {}) {
  return Response.json(body, { status, headers: { ...MARK, ...headers } });
}

export const noNetwork = () => {
  throw new TypeError("no network");
};

/** @type {any[]} */
const open = [];
let counted = 0;

/** A page on the tablet; pages with the same `user` share its disk. @param {Malar} malar @param {Record<string, any>} [about] @returns {Promise<any>} */
export async function page(malar, about = {}) {
  const user = about.user ?? USER.id;
  const outbox = new offline.Outbox({
    user,
    shop: "shop-1",
    send: malar.send,
    locks: null,
    tells: false,
    ...about,
  });
  open.push(outbox);
  await outbox.open();
  return outbox;
}

/** A sale, written down. @param {any} outbox @param {Record<string, any>} [about] @returns {Promise<any>} its row */
export function sell(outbox, about = {}) {
  counted += 1;
  return outbox.record({
    operation: "CREATE",
    entity_id: `line-${counted}`,
    set: { farmer: "raja", flower: "malli", gross_quantity: "12.500", ...about.set },
    captured: CAPTURED,
    quoted: { rate: "640.00", slot: null },
    entry: { status: "confirmed", rate: "640.00", total: "8000.00", quantity: "12.500" },
    ...about.said,
  });
}

/** @param {any} outbox @param {string} entity_id @param {number} [version] */
export function undo(outbox, entity_id, version = 1) {
  return outbox.cancel({ entity_id, version, reason: "Taken back", captured: CAPTURED });
}

/** @param {any} outbox @param {string} entity_id */
export function correct(outbox, entity_id, version = 1) {
  return outbox.record({
    operation: "UPDATE",
    entity_id,
    base_version: version,
    set: { gross_quantity: "13.000" },
    captured: CAPTURED,
    entry: { quantity: "13.000" },
  });
}

/** The clock stands at noon until it is turned. */
export function atNoon() {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: NOON });
}

/** Let so many ms go by, and everything that they set off. @param {number} ms */
export async function turn(ms) {
  mock.timers.tick(ms);
  await quiet();
}

/** All that goes on has come to rest: disk, line and answers. */
export async function quiet() {
  for (let idle = 0; idle < 600; idle += 1) await new Promise((go) => setImmediate(go));
}

/** The tablet is as it came from the shop. */
export async function forgetAll() {
  mock.timers.reset();
  mock.restoreAll();
  for (const outbox of open.splice(0)) await outbox.close();
  const databases = await indexedDB.databases();
  for (const { name } of databases)
    await new Promise((go) => {
      const gone = indexedDB.deleteDatabase(name ?? "");
      gone.onsuccess = gone.onerror = gone.onblocked = () => go(null);
    });
}

/** Statuses of what waits, by seq. @param {any} outbox */
export async function states(outbox) {
  return (await outbox.waiting()).map((/** @type {any} */ op) => op.status);
}

/** Every row of the queue, also what was acknowledged. @param {any} outbox @returns {Promise<any[]>} */
export async function rows(outbox) {
  const all = await outbox.ledger.read(["sync_queue"], (/** @type {any} */ tx) =>
    tx.objectStore("sync_queue").getAll(),
  );
  return all.sort((/** @type {any} */ one, /** @type {any} */ other) => one.payload.seq - other.payload.seq);
}

/**
 * The browser's own method, with something before it.
 *
 * @param {"put" | "transaction"} name @param {(self: any, asked: any[]) => void} before may throw
 * @param {(answer: any, asked: any[]) => void} [after]
 */
export function bent(name, before, after) {
  const owner = /** @type {any} */ (name === "put" ? IDBObjectStore : IDBDatabase).prototype;
  const own = owner[name];
  /** @this {any} @param {any[]} asked */
  function instead(...asked) {
    before(this, asked);
    const answer = own.apply(this, asked);
    after?.(answer, asked);
    return answer;
  }
  return mock.method(owner, name, instead);
}
