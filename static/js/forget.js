/**
 * Nobody reads what somebody else was told: names, rates and lines that the server has go from the tablet.
 *
 * What the server does not have yet stays, whoever wrote it.
 */
const LEDGER = "ledger-";
const READABLE = ["market_rates", "conflicts"];

/** @param {string} [user] whose own stays; none: nobody is signed in */
export async function forget(user) {
  try {
    const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
    const theirs = names.filter((name) => name.startsWith(LEDGER) && name !== LEDGER + user);
    await Promise.all(theirs.map((name) => within(name, empty)));
    if (!user && names.includes("device"))
      await within("device", (tx) => tx.objectStore("device").delete("session"));
  } catch {
    // Where the browser keeps nothing there is nothing to forget.
  }
}

/** @param {IDBTransaction} tx */
function empty(tx) {
  // Another version of the app may have other stores.
  const at = (/** @type {string} */ name, /** @type {(store: IDBObjectStore) => void} */ act) => {
    if (tx.objectStoreNames.contains(name)) act(tx.objectStore(name));
  };
  for (const name of READABLE) at(name, (store) => store.clear());
  at("meta", (store) => store.delete("ref"));
  at("farmers", (store) => remove(store.openCursor(), (row) => row.synced !== false));
  at("daily_entries", (store) => remove(store.openCursor(), (row) => row.synced));
  at("sync_queue", (store) => remove(store.openCursor(), (row) => row.status === "acked"));
}

/** @param {IDBRequest<IDBCursorWithValue | null>} asked @param {(row: any) => boolean} goes */
function remove(asked, goes) {
  asked.onsuccess = () => {
    const cursor = asked.result;
    if (!cursor) return;
    if (goes(cursor.value)) cursor.delete();
    cursor.continue();
  };
}

/** @param {string} name @param {(tx: IDBTransaction) => void} act on all stores @returns {Promise<void>} */
function within(name, act) {
  return new Promise((done, refuse) => {
    const opened = indexedDB.open(name);
    opened.onupgradeneeded = () => opened.transaction?.abort(); // gone meanwhile: it must not come back empty
    opened.onerror = () => refuse(opened.error);
    opened.onsuccess = () => {
      const db = opened.result;
      db.onversionchange = () => db.close();
      if (!db.objectStoreNames.length) {
        db.close();
        done();
        return;
      }
      const tx = db.transaction([...db.objectStoreNames], "readwrite");
      tx.oncomplete = tx.onabort = () => {
        db.close();
        done();
      };
      act(tx);
    };
  });
}
