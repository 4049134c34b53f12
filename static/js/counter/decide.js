/**
 * What a person has decided about a conflict, into the outbox: it stays until the server has answered.
 *
 * @param {any} outbox of static/js/offline/
 * @param {string} op_id of the operation in conflict
 * @param {{choice: "mine" | "theirs", reason: string, captured: object}} decision
 */
export async function decide(outbox, op_id, { choice, reason, captured }) {
  const { put, numbered } = /** @type {any} */ (self).malarOffline;
  const stores = ["conflicts", "sync_queue", "meta"];
  await outbox.ledger.strict(stores, async (/** @type {any} */ tx) => {
    const [conflicts, queue, meta] = stores.map((name) => tx.objectStore(name));
    const row = await conflicts.get(op_id);
    if (!row || row.choice) return;
    const set = { conflict: row.id, choice, reason, expected_version: row.theirs.version };
    const what = { operation: "RESOLVE", entity: "conflict", entity_id: row.id, set, captured };
    const wire = { ...what, base_version: null, quoted: null, supersedes: null };
    put(queue, await numbered(meta, wire, outbox.user));
    put(conflicts, { ...row, choice, error: null });
  });
  outbox.tell();
}
