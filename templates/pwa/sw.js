/**
 * The service worker: it keeps the counter and the offline page, which know nobody, and nothing else.
 *
 * malar/pwa/views.py puts `malarShell` before this file: {version, start, pages, files, scripts}. `version` is the
 * SHA-256 of all pages and files together. Whatever carries data (other pages, /api/, /sync/) goes to the network
 * and is never stored. Entries are written and sent by the page; on `sync` the same drain runs here. Of what is posted
 * only a marked form is looked at (static/js/behaviours/keep-offline.js), and answered where the server is away.
 */
(() => {
  const worker = /** @type {any} */ (self);
  /** @type {{version: string, start: string, pages: string[], files: string[], scripts: string[]}} */
  const { version, start, pages, files, scripts } = worker.malarShell;
  const SHELLS = "malar-shell-";
  const SHELL = SHELLS + version.slice(0, 16);
  const OURS = new Set([...pages, ...files]);
  const TIMEOUT_MS = 8000;
  const FETCH_MS = 60_000;

  if (scripts.length) worker.importScripts(...scripts);

  // --- What is kept ---------------------------------------------------------------------------

  /** All of the shell, and the very one this worker was made with. @param {RequestCache} mode @returns {Promise<[string, Response][]>} */
  async function fetchShell(mode) {
    const ask = async (/** @type {string} */ address) => {
      const signal = AbortSignal.timeout(FETCH_MS);
      const answer = await fetch(address, { cache: mode, credentials: "omit", redirect: "error", signal });
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      return answer;
    };
    const addresses = [...OURS];
    const answers = await Promise.all(addresses.map(ask));
    const bodies = await Promise.all(answers.map((answer) => answer.clone().arrayBuffer()));
    const digest = await crypto.subtle.digest("SHA-256", await new Blob(bodies).arrayBuffer());
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== version) throw new Error("What came is of another version.");
    return addresses.map((address, index) => [address, answers[index]]);
  }

  /** Once more past the browser's own cache, which may hold a wall's answers. */
  function shell() {
    return fetchShell("default").catch(() => fetchShell("reload"));
  }

  /** @param {[string, Response][]} answers */
  async function keep(answers) {
    const kept = await caches.open(SHELL);
    await Promise.all(answers.map(([address, answer]) => kept.put(address, answer)));
  }

  /** Somebody signed out: whatever is kept goes. The shell is fetched first, for without it the counter does not open. */
  async function renew(/** @type {string} */ language) {
    const fresh = await shell().catch(() => null);
    for (const name of await caches.keys())
      if (name === SHELL ? fresh : !name.startsWith(SHELLS)) await caches.delete(name);
    if (fresh) await keep(fresh);
    await speak(language);
  }

  /** Where the icon on the home screen leads, and what the offline page speaks. @param {string} language ta or en */
  async function speak(language) {
    await (await caches.open(SHELL)).put(start, Response.redirect(`${start}${language}/`));
  }

  /** @param {string} address @returns {Promise<Response | undefined>} */
  function kept(address) {
    return caches.match(address, { cacheName: SHELL, ignoreVary: true });
  }

  // --- What is answered -----------------------------------------------------------------------

  /** What the server answers. Raises where it is away. @param {Request} request */
  async function served(request) {
    const late = new Promise((_, refuse) => {
      setTimeout(refuse, TIMEOUT_MS);
    });
    const answer = await Promise.race([fetch(request), late]);
    if ([502, 503, 504].includes(answer.status)) throw new Error("The server is away.");
    return answer;
  }

  async function offlinePage() {
    return (await kept(`${start}offline/${await language()}/`)) ?? Response.error();
  }

  /** A page of the server's, or in its place the offline page. @param {Request} request */
  function page(request) {
    return served(request).catch(offlinePage);
  }

  /** A marked form: what the server answers, or what became of it on the tablet. @param {any} event @param {URLSearchParams} mark */
  async function form({ request }, mark) {
    const copy = request.clone();
    try {
      return await served(request);
    } catch {
      const typed = await copy.formData().catch(() => null);
      const said = typed ? await worker.malarOffline.keepForm(mark, typed).catch(() => "disk") : "nobody";
      // Where the browser can: as soon as there is a network.
      if (said === "kept") worker.registration.sync?.register("drain").catch(() => {});
      return told(said, request.headers.has("HX-Request"));
    }
  }

  /** The words of the offline page for it: a whole page, or a fragment for htmx. @param {string} said @param {boolean} isFragment */
  async function told(said, isFragment) {
    const answer = await offlinePage();
    const html = await answer.text();
    const words = new RegExp(`<template data-answer="${said}">([\\s\\S]*?)</template>`).exec(html)?.[1];
    if (!words) return Response.error();
    const headers = new Headers({ "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" });
    const policy = answer.headers.get("Content-Security-Policy");
    if (policy) headers.set("Content-Security-Policy", policy);
    const status = said === "kept" ? 200 : 422;
    if (!isFragment)
      return new Response(
        html.replace(/<section [^>]*data-answer>[\s\S]*?<\/section>/, () => words),
        { status, headers },
      );
    headers.set("HX-Retarget", "#messages");
    headers.set("HX-Reswap", "innerHTML");
    return new Response(`<div class="toast">${words.replaceAll("h1>", "b>")}</div>`, { status, headers });
  }

  /** The counter or the offline page, at once. @param {any} event @param {string} address */
  async function ownPage(event, address) {
    const answer = await kept(address);
    if (answer) return answer;
    event.waitUntil(shell().then(keep, () => {}));
    return page(event.request);
  }

  /** To the counter in the reader's language: the last one, else what the server says, else the tablet's. @param {Request} request */
  async function own(request) {
    const last = await kept(start);
    if (last) return last;
    const answer = await page(request);
    return answer.type === "opaqueredirect" ? answer : Response.redirect(`${start}${await language()}/`);
  }

  async function language() {
    const last = (await kept(start))?.headers.get("Location") ?? "";
    return /\/(ta|en)\/$/.exec(last)?.[1] ?? (worker.navigator.language.startsWith("en") ? "en" : "ta");
  }

  worker.addEventListener("fetch", (/** @type {any} */ event) => {
    const { method, mode, url, referrer } = event.request;
    const { origin, pathname, searchParams } = new URL(url);
    if (origin !== worker.location.origin) return;
    // Another site's page can post a form here, too, and it has no token that anybody looks at: it must be ours.
    if (method === "POST" && searchParams.has("offline") && referrer.startsWith(`${origin}/`))
      event.respondWith(form(event, searchParams));
    if (method !== "GET") return;
    if (mode !== "navigate") {
      if (files.includes(pathname))
        event.respondWith(kept(pathname).then((answer) => answer ?? fetch(event.request)));
    } else if (pages.includes(pathname)) event.respondWith(ownPage(event, pathname));
    else if (pathname === start) event.respondWith(own(event.request));
    else if (!/^\/(api|sync|static)\//.test(pathname)) event.respondWith(page(event.request));
  });

  // --- When it begins, and when it ends ---------------------------------------------------------

  worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(shell().then(keep)));

  worker.addEventListener("activate", (/** @type {any} */ event) => {
    const begin = async () => {
      const last = await caches.match(start);
      if (last) await (await caches.open(SHELL)).put(start, last);
      // One that is being filled belongs to the version after this one.
      if (!worker.registration.installing)
        for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
      await worker.clients.claim();
    };
    event.waitUntil(begin());
  });

  // It waits until a page says that nobody is disturbed (static/js/worker.js).
  worker.addEventListener("message", (/** @type {any} */ event) => {
    const { type, language } = event.data;
    if (type === "begin") worker.skipWaiting();
    if (type === "speak") event.waitUntil(speak(language));
    if (type === "renew") event.waitUntil(renew(language));
  });

  worker.addEventListener("sync", (/** @type {any} */ event) => {
    if (worker.malarOffline) event.waitUntil(worker.malarOffline.drain());
  });
})();
