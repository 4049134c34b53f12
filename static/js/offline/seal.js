/**
 * What was not sent when its author left: sealed, handed in by whoever signs in next, or given away as a file.
 *
 * A box is AES-GCM under a fresh key, and that key under the server's public RSA-OAEP key, which hello says. Nothing
 * on the tablet opens it again (malar/sync/seal.py). Whose operation it is, of which queue and with which number
 * stands beside the box and is bound into it. Each box goes only by an answer about this very operation.
 *
 * Loaded where it is needed, after the other scripts of this folder.
 */
(() => {
  const offline = /** @type {any} */ (self).malarOffline;
  /**
   * @typedef {{v: 1, kid: string, key: string, iv: string, data: string}} Box key, iv and data in base64
   * @typedef {{op_id: string, seq: number, stream_id: string, author_id: string, box: Box}} Sealed
   */

  const QUEUE = "sync_queue";
  const MOST_BOXES = 30;
  /** After these the server has it, in the book or beside it. */
  const TAKEN = new Set(["applied", "merged", "duplicate", "conflict", "needs_fix", "parked"]);
  /** So long until boxes that could not be handed in are tried again, ms. */
  offline.settings.handOn ??= 30_000;

  /** @param {any} ledger @returns {Promise<{ops: any[], stream: string}>} what the server has not said it has, by number */
  async function unsaid(ledger) {
    const [all, stream] = await ledger.read([QUEUE, "meta"], (/** @type {any} */ tx) =>
      Promise.all([tx.objectStore(QUEUE).getAll(), tx.objectStore("meta").get("stream")]),
    );
    const ops = all.filter((/** @type {any} */ { status }) => status !== "acked");
    ops.sort((/** @type {any} */ one, /** @type {any} */ other) => one.seq - other.seq);
    return { ops, stream: stream?.stream_id ?? "" };
  }

  /** The server's public key; null where it has not said it yet, or the browser cannot seal (plain http). @param {any} device @returns {Promise<{kid: string, key: CryptoKey} | null>} */
  async function publicKey(device) {
    const said = await device.get("seal");
    const { subtle } = self.crypto;
    if (!said || !subtle) return null;
    const how = { name: "RSA-OAEP", hash: "SHA-256" };
    return { kid: said.kid, key: await subtle.importKey("jwk", said.jwk, how, false, ["encrypt"]) };
  }

  /** Whether this tablet can seal now. @param {any} [device] @returns {Promise<boolean>} */
  offline.canSeal = async (device = new offline.Device()) => {
    const found = await publicKey(device).catch(() => null);
    return found !== null;
  };

  /** @param {any} op @param {string} stream_id @param {{kid: string, key: CryptoKey}} to @returns {Promise<Sealed>} */
  async function closed(op, stream_id, { kid, key }) {
    const { subtle } = crypto;
    // What is left of a former queue keeps its own.
    const beside = {
      op_id: op.id,
      seq: op.payload.seq,
      stream_id: op.stream ?? stream_id,
      author_id: op.author_id,
    };
    const fresh = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const additionalData = octets(Object.values(beside).join(" "));
    const content = octets(JSON.stringify(op.payload));
    const data = await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, fresh, content);
    const wrapped = await subtle.encrypt({ name: "RSA-OAEP" }, key, await subtle.exportKey("raw", fresh));
    return { ...beside, box: { v: 1, kid, key: text(wrapped), iv: text(iv), data: text(data) } };
  }

  /** @param {string} said @returns {Uint8Array<ArrayBuffer>} */
  const octets = (said) => new Uint8Array(new TextEncoder().encode(said));

  /** @param {ArrayBuffer | Uint8Array<ArrayBuffer>} raw */
  const text = (raw) => btoa(Array.from(new Uint8Array(raw), (octet) => String.fromCharCode(octet)).join(""));

  /**
   * Seal what of a person is only on this tablet: first the boxes are on the disk, then what was readable goes. Where
   * the tablet dies between the two, both are there, and the server takes each once.
   *
   * @param {{user: string, ledger?: any, device?: any}} whose
   * @returns {Promise<number>} how many operations. Raises what the disk says, or Error where it cannot seal
   */
  offline.seal = async ({ user, ledger = offline.ledgerOf(user), device = new offline.Device() }) => {
    const to = await publicKey(device);
    if (!to) throw new Error("There is no key to seal with.");
    let count = 0;
    for (;;) {
      const { ops, stream } = await unsaid(ledger);
      /** @type {Sealed[]} */
      const boxes = [];
      for (const op of ops) boxes.push(await closed(op, stream, to));
      await device.disk.strict(["sealed"], async (/** @type {any} */ tx) => {
        for (const box of boxes) offline.put(tx.objectStore("sealed"), box);
      });
      await ledger.strict([QUEUE, "daily_entries", "farmers", "conflicts"], async (/** @type {any} */ tx) => {
        const queue = tx.objectStore(QUEUE);
        for (const { op_id } of boxes) offline.remove(queue, op_id);
        // Written by another tab meanwhile: it is sealed in the next round.
        const left = new Set((await queue.getAll()).map((/** @type {any} */ op) => op.entity_id));
        const entries = tx.objectStore("daily_entries");
        for (const id of await entries.getAllKeys()) if (!left.has(id)) offline.remove(entries, id);
        const farmers = tx.objectStore("farmers");
        for (const { id, synced } of await farmers.getAll())
          if (synced === false && !left.has(id)) offline.remove(farmers, id);
        tx.objectStore("conflicts").clear();
      });
      count += ops.length;
      if (!ops.length) return count;
    }
  };

  /** @param {any} device @returns {Promise<Sealed[]>} by queue and number */
  async function sealedOn(device) {
    const boxes = await device.disk.read(["sealed"], (/** @type {any} */ tx) =>
      tx.objectStore("sealed").getAll(),
    );
    const rank = (/** @type {Sealed} */ one, /** @type {Sealed} */ other) =>
      one.stream_id === other.stream_id ? one.seq - other.seq : one.stream_id < other.stream_id ? -1 : 1;
    return boxes.sort(rank);
  }

  /**
   * Hand in all boxes of this tablet, whoever is signed in.
   *
   * @param {{send?: typeof fetch, device?: any}} [about]
   * @returns {Promise<number>} how many are still here
   */
  offline.handIn = async ({ send = (...asked) => fetch(...asked), device = new offline.Device() } = {}) => {
    const boxes = await sealedOn(device);
    if (!boxes.length) return 0;
    const { id } = await device.itself();
    const { hello: patience, answer: timeout } = offline.settings;
    const headers = { "X-Device-Id": id };
    const hello = await offline.ask({ path: "hello/", headers, timeout: patience, send });
    if (hello?.status !== 200 || !hello.body?.user) return boxes.length;
    const { seal, csrf } = hello.body;
    if (seal) await device.put(seal, "seal");
    const post = (/** @type {string} */ path, /** @type {object} */ body) => {
      const key = crypto.randomUUID();
      const all = { ...headers, "X-CSRFToken": csrf, "Idempotency-Key": key };
      return offline.ask({ path, body, headers: all, timeout, send });
    };
    if (!hello.body.device && (await post("device/", { id }))?.status !== 200) return boxes.length;
    for (const batch of batches(boxes)) if (!(await hand(batch, id, post, device))) break;
    return (await sealedOn(device)).length;
  };

  /** Boxes of one queue each, in their order. @param {Sealed[]} boxes @returns {Sealed[][]} */
  function batches(boxes) {
    /** @type {Sealed[][]} */
    const made = [];
    for (const box of boxes) {
      const last = made.at(-1);
      if (last && last[0].stream_id === box.stream_id && last.length < MOST_BOXES) last.push(box);
      else made.push([box]);
    }
    return made;
  }

  /** @param {Sealed[]} batch @param {string} device_id @param {(path: string, body: object) => Promise<any>} post @param {any} device @returns {Promise<boolean>} whether more may follow */
  async function hand(batch, device_id, post, device) {
    const boxes = batch.map(({ op_id, seq, author_id, box }) => ({ op_id, seq, author_id, box }));
    const answer = await post("parked/", { device_id, stream_id: batch[0].stream_id, boxes });
    if (answer?.status === 413 && batch.length > 1) {
      const middle = batch.length >> 1;
      const isFirst = await hand(batch.slice(0, middle), device_id, post, device);
      return isFirst && hand(batch.slice(middle), device_id, post, device);
    }
    const results = answer?.status === 200 && answer.body?.results;
    if (!Array.isArray(results)) return false;
    const ours = new Set(batch.map(({ op_id }) => op_id));
    const gone = results.filter((result) => ours.has(result?.op_id) && TAKEN.has(result.status));
    await device.disk.strict(["sealed"], async (/** @type {any} */ tx) => {
      for (const { op_id } of gone) offline.remove(tx.objectStore("sealed"), op_id);
    });
    return true;
  }

  /** What of others lies here unsealed, because they never signed out. @param {string} user who is here now @param {any} device */
  async function sealOthers(user, device) {
    const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
    for (const name of names) {
      const other = /^ledger-(.+)$/.exec(name)?.[1];
      if (!other || other === user) continue;
      const ledger = offline.ledgerOf(other);
      try {
        if ((await unsaid(ledger)).ops.length) await offline.seal({ user: other, ledger, device });
      } finally {
        await ledger.close();
      }
    }
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let again;

  /** Somebody is signed in: what others left here is sealed and handed in, again and again until it is. @param {{user: string, send?: typeof fetch, device?: any}} who */
  offline.handOn = async ({ user, send, device = new offline.Device() }) => {
    clearTimeout(again);
    await sealOthers(user, device).catch(() => {}); // without a key: what they left waits for them, as it is
    const left = await offline.handIn({ send, device }).catch(() => 1);
    if (left) again = setTimeout(() => offline.handOn({ user, send, device }), offline.settings.handOn);
  };

  /**
   * What of a person is only on this tablet, and what of others lies here sealed, for the owner to take into the book.
   *
   * @param {{user: string, shop: string, ledger?: any, device?: any}} whose @returns {Promise<object>}
   */
  offline.fileOf = async ({ user, shop, ledger = offline.ledgerOf(user), device = new offline.Device() }) => {
    const { ops, stream } = await unsaid(ledger);
    const to = await publicKey(device).catch(() => null);
    // A box names its own queue, where the file has one for all.
    const former = to ? ops.filter((op) => op.stream) : [];
    const boxes = await Promise.all(former.map((op) => closed(op, stream, /** @type {any} */ (to))));
    return {
      what: "Malar: entries that are only on a tablet, for the page “Entries from a broken tablet”",
      v: 1,
      saved_at: new Date().toISOString(),
      shop_id: shop,
      device_id: (await device.itself()).id,
      stream_id: stream || crypto.randomUUID(),
      author_id: user,
      ops: ops.filter((op) => !former.includes(op)).map(({ payload }) => payload),
      boxes: [...(await sealedOn(device)), ...boxes],
    };
  };
})();
