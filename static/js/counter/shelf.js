/**
 * What the counter was told, kept on the tablet: so that it opens where there is no network.
 *
 * Nothing here may keep anybody from working: a disk that refuses is as good as an empty one.
 */
import { forget } from "../forget.js";

const READABLE = ["farmers", "market_rates", "meta"];

export class Shelf {
  /** @type {Map<string, any>} */
  #ledgers = new Map();

  /** @param {any} offline what static/js/offline/ shares */
  constructor(offline) {
    this.offline = offline;
    this.device = new offline.Device();
  }

  /** @param {string} user */
  #ledgerOf(user) {
    const ledger = this.#ledgers.get(user) ?? this.offline.ledgerOf(user);
    this.#ledgers.set(user, ledger);
    return ledger;
  }

  /** Who was signed in last. @returns {Promise<{user: import("./ref.js").User, shop: string, limits?: object} | null>} null: nobody, or too long ago */
  async session() {
    return this.offline.session(this.device).catch(() => null);
  }

  /** The server has said who is signed in: of whoever was before, nothing is readable any more. @param {{user: import("./ref.js").User, shop: string, limits: object}} said by hello */
  async meet({ user, shop, limits }) {
    await this.device.put({ user, shop, limits, at: Date.now() }, "session").catch(() => {});
    await forget(user.id);
  }

  /** @param {{offset_ms: number, rtt_ms: number, at: number, jumps: number}} clock */
  async keepClock(clock) {
    await this.device.put(clock, "clock").catch(() => {});
  }

  /** @param {string} user his id @param {string} shop its id @returns {Promise<{ref: any, cursor: string, clock: any} | null>} `ref` as the server says it */
  async load(user, shop) {
    try {
      const clock = await this.device.get("clock");
      const ref = await this.#ledgerOf(user).read(READABLE, async (/** @type {any} */ tx) => {
        const [farmers, rates, meta] = READABLE.map((name) => tx.objectStore(name));
        const frame = await meta.get("ref");
        if (!frame) return null;
        const all = await farmers.getAll();
        all.sort((/** @type {any} */ one, /** @type {any} */ other) => one.number - other.number);
        return { ...frame, farmers: all, rates: await rates.getAll() };
      });
      return ref?.shop.id === shop && ref.flowers ? { ref, cursor: ref.cursor ?? "", clock } : null;
    } catch {
      return null;
    }
  }

  /** @param {string} user his id @param {any} answer of ref/ */
  async keep(user, answer) {
    const { farmers, rates, farmers_complete, ...rest } = answer;
    const { put, remove } = this.offline;
    const write = async (/** @type {any} */ tx) => {
      const [people, board, meta] = READABLE.map((name) => tx.objectStore(name));
      const before = (await meta.get("ref")) ?? {};
      // Rates of an answer without any are as old as before.
      const rated = rates ? { rates_at: answer.as_of } : {};
      put(meta, { ...before, ...rest, ...rated }, "ref");
      if (farmers) {
        // Whoever was added on this tablet stays until the server's list has him.
        if (farmers_complete !== false)
          for (const row of await people.getAll()) if (!("synced" in row)) remove(people, row.id);
        for (const farmer of farmers) put(people, farmer, undefined);
      }
      if (!rates) return;
      await board.clear();
      rates.forEach((/** @type {any} */ rate, /** @type {number} */ place) => {
        put(board, rate, place);
      });
    };
    await this.#ledgerOf(user)
      .strict(READABLE, write)
      .catch(() => {});
  }
}
