/**
 * How many entries lie on this tablet and not yet on the server, whoever wrote them. It looks, and changes nothing.
 */
const LEDGER = /^ledger-/;
const QUEUE = "sync_queue";

/** @returns {Promise<number>} 0 also where nothing was ever kept, or the browser keeps nothing */
export async function waiting() {
  try {
    const databases = await indexedDB.databases();
    const names = databases.map(({ name }) => name ?? "").filter((name) => LEDGER.test(name));
    const counts = await Promise.all(names.map(waitingIn));
    return counts.reduce((sum, count) => sum + count, 0);
  } catch {
    return 0;
  }
}

/** @param {string} name @returns {Promise<number>} */
function waitingIn(name) {
  return new Promise((answer, refuse) => {
    const opened = indexedDB.open(name);
    opened.onupgradeneeded = () => opened.transaction?.abort(); // gone meanwhile: it must not come back empty
    opened.onerror = () => refuse(opened.error);
    opened.onsuccess = () => {
      const ledger = opened.result;
      if (!ledger.objectStoreNames.contains(QUEUE)) {
        ledger.close();
        answer(0);
        return;
      }
      const rows = ledger.transaction(QUEUE).objectStore(QUEUE).getAll();
      rows.onerror = () => refuse(rows.error);
      rows.onsuccess = () => {
        ledger.close();
        answer(rows.result.filter(({ status }) => status !== "acked").length);
      };
    };
  });
}
