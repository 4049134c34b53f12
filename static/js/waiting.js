/**
 * How many entries lie on this tablet and not yet on the server, whoever wrote them. It looks, and changes nothing.
 */
const LEDGER = /^ledger-/;
const QUEUE = "sync_queue";
/** @returns {Promise<number>} 0 also where nothing was ever kept, or the browser keeps nothing */
export async function waiting() {
  try {
    const names = await databases();
    const queues = names.filter((name) => LEDGER.test(name)).map((name) => rowsOf(name, QUEUE));
    const rows = (await Promise.all(queues)).flat();
    const sealed = names.includes("device") ? await rowsOf("device", "sealed") : [];
    return rows.filter(({ status }) => status !== "acked").length + sealed.length;
  } catch {
    return 0;
  }
}

export async function databases() {
  return (await indexedDB.databases()).map(({ name }) => name ?? "");
}

/** @param {string} name @param {string} store @returns {Promise<any[]>} */
export function rowsOf(name, store) {
  return new Promise((answer, refuse) => {
    const opened = indexedDB.open(name);
    opened.onupgradeneeded = () => opened.transaction?.abort(); // gone meanwhile: it must not come back empty
    opened.onerror = () => refuse(opened.error);
    opened.onsuccess = () => {
      const db = opened.result;
      if (!db.objectStoreNames.contains(store)) {
        db.close();
        answer([]);
        return;
      }
      const rows = db.transaction(store).objectStore(store).getAll();
      rows.onerror = () => refuse(rows.error);
      rows.onsuccess = () => {
        db.close();
        answer(rows.result);
      };
    };
  });
}
