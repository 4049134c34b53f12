/**
 * Forms of the office that did not reach the server: what was typed becomes the same operation that the counter makes,
 * in the same outbox. Run by the worker (templates/pwa/sw.js), which answers with what is said here.
 *
 * The form's own key is the operation's id, and its `id` is that of what is made. A form that had arrived after all, and
 * only its answer was lost, is therefore the same request to the server, which makes nothing twice.
 */
(() => {
  const offline = /** @type {any} */ (self).malarOffline;
  /**
   * @typedef {"kept" | "number" | "figure" | "other" | "nobody" | "disk"} Answer kept: it is on the disk. Else nothing is
   *   written: the farmer is unknown here; an amount is none; the form was kept before with other words; the tablet does
   *   not know who is signed in, or may not keep this; the disk refuses
   * @typedef {{set: Record<string, any>, entry: Record<string, any>}} Meant an operation, and what its row says of it
   * @typedef {(word: (name: string) => string, farmer: string, today: string) => Meant | null} Reader null: not to be kept
   */

  /** One run of this worker. */
  const BOOT = crypto.randomUUID();
  /** India has one time, and no summer time. */
  const KOLKATA_MS = 19_800_000;
  const HOUR_MS = 3_600_000;
  /** What an older book says is the owner's, and waits for the server. */
  const KINDS = ["advance", "hand_loan", "draw", "advance_repayment", "hand_loan_repayment"];

  /** By what the form's `data-offline` says. @type {Record<string, Reader>} */
  const READERS = {
    movement(word, farmer) {
      const kind = word("kind");
      const business_date = word("business_date");
      if (!KINDS.includes(kind) || !business_date) return null;
      const amount = figure(word("amount"));
      const rest = { mode: word("mode") || "cash", reference: word("reference"), note: word("note") };
      return { set: { farmer, kind, amount, business_date, ...rest }, entry: { total: amount } };
    },
    charge(word, farmer, today) {
      const fee = word("fee");
      if (!fee) return null;
      const rate = word("rate") ? figure(word("rate")) : null;
      const business_date = word("business_date") || today;
      const quantity = figure(word("quantity"));
      return { set: { farmer, fee, business_date, quantity, rate, note: word("note") }, entry: {} };
    },
  };

  class Wrong extends Error {}

  /**
   * @param {URLSearchParams} mark of the form's address: `offline`, `by` and `shop`
   * @param {FormData} form
   * @returns {Promise<Answer>}
   */
  offline.keepForm = async (mark, form) => {
    const kind = mark.get("offline") ?? "";
    const session = await offline.session();
    // Whose page it was must be whose tablet it is.
    const isOurs = session && session.user.id === mark.get("by") && session.shop === mark.get("shop");
    if (!isOurs || !Object.hasOwn(READERS, kind)) return "nobody";
    const outbox = new offline.Outbox({ user: session.user.id, shop: session.shop, staysAwake: false });
    try {
      await outbox.open();
      const word = (/** @type {string} */ name) => String(form.get(name) ?? "").trim();
      const known = await knownTo(outbox.ledger, word("farmer"));
      if (!known || known.shop !== session.shop) return "nobody";
      if (!known.farmer) return "number";
      const meant = READERS[kind](word, known.farmer, known.today);
      if (!meant || !word("id") || !word("key")) return "nobody";
      await outbox.record({
        operation: "CREATE",
        entity: kind,
        entity_id: word("id"),
        op_id: word("key"),
        set: meant.set,
        captured: await stamp(outbox.device),
        entry: { entity: kind, farmer_id: known.farmer, ...meant.entry },
      });
      return "kept";
    } catch (error) {
      if (error instanceof Wrong) return "figure";
      return error instanceof offline.Taken ? "other" : "disk";
    } finally {
      await outbox.close();
    }
  };

  /** Which shop the tablet knows, its day, and of its farmers the one who is meant. @param {any} ledger @param {string} words his number or his code, alone or before his name */
  async function knownTo(ledger, words) {
    const stores = ["meta", "farmers"];
    const [ref, farmers] = await ledger.read(stores, (/** @type {any} */ tx) =>
      Promise.all([tx.objectStore("meta").get("ref"), tx.objectStore("farmers").getAll()]),
    );
    if (!ref) return null;
    const first = western(words).split(/\s+/)[0];
    const number = /^\d{1,4}$/.test(first) ? Number(first) : null;
    const his = (/** @type {any} */ { code }) => first && code?.toLowerCase() === first.toLowerCase();
    const found = farmers.find((/** @type {any} */ each) => each.number === number) ?? farmers.find(his);
    const here = Date.now() + KOLKATA_MS - ref.shop.turnover_hour * HOUR_MS;
    return { shop: ref.shop.id, farmer: found?.id, today: new Date(here).toISOString().slice(0, 10) };
  }

  /** This moment, by the tablet's own clock and what that is worth. @param {any} device */
  async function stamp(device) {
    const offset_ms = (await device.get("clock"))?.offset_ms ?? null;
    return {
      device_ms: Date.now(),
      offset_ms,
      unc_ms: null,
      mono_ms: Math.round(performance.now()),
      boot: BOOT,
    };
  }

  /** @param {string} text with Tamil digits @returns {string} */
  function western(text) {
    return text.replace(/[௦-௯]/g, (digit) => String(digit.charCodeAt(0) - 0x0be6));
  }

  /** A number as people type it (malar/kernel/quantities.py, read_decimal). @param {string} text @returns {string} `1250.75`. Raises Wrong where it is none above 0 */
  function figure(text) {
    const typed = western(text).replace(/[ \u00a0]/g, "");
    const isDecimalComma = /^[^,.]*,[^,.]*$/.test(typed) && !/,\d{3}$/.test(typed);
    const plain = isDecimalComma ? typed.replace(",", ".") : typed.replaceAll(",", "");
    if (!/^(\d+\.?\d*|\.\d+)$/.test(plain) || !Number(plain)) throw new Wrong(text);
    return plain.replace(/\.$/, "").replace(/^\./, "0.");
  }
})();
