/**
 * The tablet's own disk: one database for each person, and one for the tablet itself.
 *
 * A classic script, for the page and for the worker (importScripts). `self.malarOffline` holds what all of them
 * share; every waiting time is in its `settings`, in ms.
 *
 * Nothing is said to be written before the transaction is complete, and on the disk: durability is strict. A
 * connection that the system closed (iOS does) is opened once more. Another tab with a newer version is let in.
 */
(() => {
  const offline = /** @type {any} */ (self).malarOffline ?? {};
  /** @type {any} */ (self).malarOffline = offline;
  const { openDB } = /** @type {{idb: typeof import("idb")}} */ (/** @type {any} */ (self)).idb;

  offline.settings = {
    /** After the first, second … failure of a round. */
    waits: [1000, 2000, 4000, 8000, 16_000],
    answer: 8000,
    hello: 4000,
    /** A hello holds for so long. */
    helloHolds: 60_000,
    /** Until another tab or the worker, which is sending, is asked again. */
    busy: 1000,
    /** What was acknowledged is kept, for a server that is put back to an older state. */
    kept: 14 * 86_400_000,
    /** So long a tablet may be used without the server having said who is signed in. */
    verified: 18 * 3_600_000,
    open: 5000,
    /** So often the server is asked for rates and the day while somebody looks: the sign of life, too. */
    heartbeat: 30_000,
    ...offline.settings,
  };

  /** Stores by database; the key path, or "" for keys that are given. @type {Record<string, Record<string, string>>} */
  const STORES = {
    ledger: {
      daily_entries: "id",
      sync_queue: "id",
      market_rates: "",
      farmers: "id",
      conflicts: "op_id",
      meta: "",
    },
    device: { device: "", sealed: "op_id" },
  };

  /** @param {"ledger" | "device"} kind @returns {(db: import("idb").IDBPDatabase) => void} */
  const stores = (kind) => (db) => {
    for (const [store, keyPath] of Object.entries(STORES[kind])) {
      const made = db.createObjectStore(store, keyPath ? { keyPath } : {});
      if (store !== "sync_queue") continue;
      made.createIndex("status", "status");
      made.createIndex("acked_at", "acked_at"); // without those that have none
    }
  };

  /**
   * From version to version, oldest first; a step adds, and takes nothing away. What it does to rows it does by
   * `eachRow`, so that one that cannot be read keeps nobody out. @type {Record<string, ((db: any, tx: any) => void)[]>}
   */

  offline.steps = { ledger: [stores("ledger")], device: [stores("device")] };

  /** All rows of a store within a step: a row that `act` cannot read stays as it is, and is marked. @param {any} store @param {(row: any) => any} act */
  offline.eachRow = async (store, act) => {
    for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
      try {
        await cursor.update(act(cursor.value));
      } catch {
        await cursor.update({ ...cursor.value, malformed: true });
      }
    }
  };

  /** Dispatches `old` when a newer version of the app wants the database, `blocked` when an older tab keeps it. */
  class Disk extends EventTarget {
    /** @type {Promise<import("idb").IDBPDatabase> | null} */
    #opened = null;

    /** @param {string} name @param {"ledger" | "device"} kind */
    constructor(name, kind) {
      super();
      this.name = name;
      this.kind = kind;
    }

    /** @returns {Promise<import("idb").IDBPDatabase>} */
    #open() {
      const drop = () => {
        this.#opened = null;
      };
      const steps = offline.steps[this.kind];
      let from = 0;
      /** @type {import("idb").OpenDBCallbacks<unknown>} */
      const how = {
        upgrade: (db, before, _now, tx) => {
          from = before;
          tx.done.catch(() => {}); // said below, by what was asked for
          for (const step of steps.slice(before)) step(db, tx);
        },
        blocked: () => this.dispatchEvent(new Event("blocked")),
        blocking: (_now, wanted, event) => {
          drop();
          /** @type {IDBDatabase} */ (event.target).close();
          if (wanted !== null) this.dispatchEvent(new Event("old"));
        },
        terminated: drop,
      };
      this.#opened ??= openDB(this.name, steps.length, how)
        // A step that fails leaves all as it was: it is gone on with, for what lies there must still be sent.
        .catch((error) => {
          if (from) return openDB(this.name, undefined, how);
          throw error;
        })
        .catch((error) => {
          drop();
          throw error;
        });
      return this.#opened;
    }

    /** Whether it can be opened at all. Raises what the browser says. */
    async open() {
      await this.#open();
      return this;
    }

    async close() {
      const opened = this.#opened;
      this.#opened = null;
      (await opened)?.close();
    }

    /**
     * One transaction, all of it or nothing; what `work` answers, once it is on the disk.
     *
     * @template T
     * @param {string[]} stores @param {(tx: any) => Promise<T>} work awaits nothing but the transaction's own answers
     * @returns {Promise<T>} Raises what aborted it (a full disk: QuotaExceededError)
     */
    strict(stores, work) {
      return this.#through(stores, "readwrite", work);
    }

    /** @template T @param {string[]} stores @param {(tx: any) => Promise<T>} work @returns {Promise<T>} */
    read(stores, work) {
      return this.#through(stores, "readonly", work);
    }

    /** @template T @param {string[]} stores @param {"readwrite" | "readonly"} mode @param {(tx: any) => Promise<T>} work @returns {Promise<T>} */
    async #through(stores, mode, work) {
      for (let isAgain = false; ; isAgain = true) {
        const opened = this.#open();
        const db = await opened;
        let tx = null;
        try {
          tx = db.transaction(stores, mode, { durability: "strict" });
          tx.done.catch(() => {}); // awaited below, unless the work itself fails first
          const said = await work(tx);
          await tx.done;
          return said;
        } catch (error) {
          try {
            tx?.abort();
          } catch {
            // It has ended already.
          }
          const isClosed = !tx || this.#opened !== opened;
          if (isAgain || !isClosed) throw error;
          if (this.#opened === opened) this.#opened = null;
        }
      }
    }
  }
  offline.Disk = Disk;

  /** Writes and deletes within a transaction are not awaited one by one: what fails is what the transaction ends with. */
  const settles = (/** @type {Promise<unknown>} */ asked) => void asked.catch(() => {});
  offline.put = (/** @type {any} */ store, /** @type {unknown} */ row, /** @type {string} */ key) =>
    settles(store.put(row, key));
  offline.remove = (/** @type {any} */ store, /** @type {string} */ key) => settles(store.delete(key));

  /** The database of one person. @param {string} user */
  offline.ledgerOf = (user) => new Disk(`ledger-${user}`, "ledger");

  /** What belongs to the tablet, whoever holds it. */
  class Device {
    constructor(disk = new Disk("device", "device")) {
      this.disk = disk;
    }

    /** @param {string} key @returns {Promise<any>} */
    get(key) {
      return this.disk.read(["device"], (tx) => tx.objectStore("device").get(key));
    }

    /** @param {unknown} said @param {string} key */
    put(said, key) {
      return this.disk.strict(["device"], (tx) => tx.objectStore("device").put(said, key));
    }

    /** The tablet's id, made the first time; and once the server knows it, its series. @returns {Promise<{id: string, series?: string}>} */
    async itself() {
      const known = await this.get("itself");
      if (known) return known;
      return this.disk.strict(["device"], async (tx) => {
        const store = tx.objectStore("device");
        const made = (await store.get("itself")) ?? { id: crypto.randomUUID() };
        await store.put(made, "itself");
        return made;
      });
    }

    /**
     * The next slip number of this tablet on a day: never one twice, whoever writes; one that is not used is lost.
     *
     * @param {string} day `2026-03-06` @returns {Promise<string | null>} `A1-0603-018`; null: without a series yet
     */
    slip(day) {
      return this.disk.strict(["device"], async (tx) => {
        const store = tx.objectStore("device");
        const { series } = (await store.get("itself")) ?? {};
        if (!series) return null;
        const slips = (await store.get("slips")) ?? {};
        const last = (slips[day] ?? 0) + 1;
        // A clock that was put back meets its old days again.
        const days = Object.keys({ ...slips, [day]: last })
          .sort()
          .slice(-40);
        const kept = Object.fromEntries(days.map((each) => [each, each === day ? last : slips[each]]));
        await store.put(kept, "slips");
        return `${series}-${day.slice(8)}${day.slice(5, 7)}-${String(last).padStart(3, "0")}`;
      });
    }
  }
  offline.Device = Device;
})();
