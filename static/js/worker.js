/**
 * The service worker, as pages see it: every page registers it, and a new version takes over when that disturbs nobody.
 *
 * A page at which somebody works holds the lock BUSY, shared with other such pages. As long as anybody holds it, or
 * anything waits to be sent, a new version waits too, unless it is asked for by hand.
 */
import "./back.js";
import { forget } from "./forget.js";
import { unlock } from "./locked.js";
import { waiting } from "./waiting.js";

const BUSY = "malar-busy";
/** Nobody has touched the page for so long. */
const QUIET_MS = 60_000;
const LOOK_MS = 10_000;
const UPDATE_MS = 30 * 60_000;

/**
 * @typedef {object} Page
 * @property {() => boolean} isBusy whether something on it would be lost or torn out of a hand
 * @property {(begin: () => void) => void} [onReady] a new version waits; `begin` lets it in by hand
 * @property {(isIdle: boolean) => void} [onBegun] another version has taken over
 */

/** @param {Page} page */
export async function mountWorker({ isBusy, onReady, onBegun }) {
  // A page for strangers: whoever was here before is gone.
  if ("nobody" in document.body.dataset) {
    forget();
    unlock();
  }
  const container = navigator.serviceWorker;
  if (!container) return; // plain http in the shop's network
  // On a slow line it would fetch all files again while the page still waits for them.
  if (document.readyState !== "complete")
    await new Promise((go) => {
      addEventListener("load", go, { once: true });
    });
  const registration = await container
    .register("/sw.js", { updateViaCache: "none" })
    // A browser may refuse, and a bad answer leaves the old one at work.
    .catch(() => undefined);
  if (!registration) return;

  let touched = performance.now();
  for (const touch of ["pointerdown", "keydown"])
    document.addEventListener(
      touch,
      () => {
        touched = performance.now();
      },
      true,
    );
  const isIdle = () => performance.now() - touched > QUIET_MS && !isBusy();

  const begin = () => registration.waiting?.postMessage({ type: "begin" });
  /** @type {ServiceWorker | null} */
  let told = null;
  /** Lets the lock go. @type {(() => void) | null} */
  let release = null;
  function hold() {
    release = () => {};
    const held = () =>
      new Promise((go) => {
        release = () => go(null);
      });
    navigator.locks?.request(BUSY, { mode: "shared" }, held);
  }

  async function look() {
    if (isIdle()) {
      release?.();
      release = null;
    } else if (!release) hold();
    if (!registration?.waiting || !registration.active) return;
    if (told !== registration.waiting) onReady?.(begin);
    told = registration.waiting;
    if (!isIdle() || (await waiting())) return;
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    if (!held.some((lock) => lock.name === BUSY)) begin();
  }

  let isFirst = !registration.active;
  container.addEventListener("controllerchange", () => {
    if (!isFirst) onBegun?.(isIdle());
    isFirst = false;
  });
  const type = "nobody" in document.body.dataset && !isFirst ? "renew" : "speak";
  container.ready.then(({ active }) =>
    active?.postMessage({ type, language: document.documentElement.lang }),
  );
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", look);
  });
  setInterval(look, LOOK_MS);
  setInterval(() => registration.update().catch(() => {}), UPDATE_MS);
  look();
}
