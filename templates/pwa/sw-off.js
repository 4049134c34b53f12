// The service worker is switched off (SERVICE_WORKER=off): this one takes its place and then itself away.
// What lies in IndexedDB stays: entries that were not sent yet are sent by the page.
(() => {
  const worker = /** @type {any} */ (self);
  worker.addEventListener("install", () => worker.skipWaiting());
  worker.addEventListener("activate", (/** @type {any} */ event) => {
    const gone = async () => {
      for (const name of await caches.keys()) await caches.delete(name);
      await worker.registration.unregister();
    };
    event.waitUntil(gone());
  });
})();
