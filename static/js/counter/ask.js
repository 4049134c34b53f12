/**
 * One question to the server, at the door that never sends anybody to sign in (malar/sync/views.py).
 *
 * @typedef {"farmers" | "flowers" | "rates" | "day" | "lines"} Part
 * @typedef {{status: number, body: any, sentAt: number, heardAt: number, drift: number}} Heard body: the JSON of a good
 *   answer, else null; drift: how far Date.now() was ahead of our clock
 * @typedef {{send?: typeof fetch, clock?: () => number}} Outside
 */
import { isLeft } from "../left.js";

const PREFIX = "/sync/v1/";
const TIMEOUT_MS = 8000;
/** Two thousand farmers over a line of 2G. */
const LONG_MS = 60_000;
/** @type {Part[]} */
export const ALL = ["farmers", "flowers", "rates", "day"];

/** It only goes forward: Date.now() jumps when the tablet is set, or sets itself. @returns {number} epoch ms */
export const steady = () => performance.timeOrigin + performance.now();

/** @param {Part[]} parts */
export function isLong(parts) {
  return parts.includes("farmers") || parts.includes("flowers");
}

/** Who we are. @param {Outside} [outside] */
export function askWho(outside) {
  return ask("hello/", TIMEOUT_MS, outside);
}

/** What there is. @param {Part[]} parts @param {Outside} [outside] @param {string} [since] a cursor: of the farmers only those that changed after it */
export function askFor(parts, outside, since = "") {
  const changed = since && parts.includes("farmers") ? `&since=${encodeURIComponent(since)}` : "";
  return ask(`ref/?parts=${parts.join(",")}${changed}`, isLong(parts) ? LONG_MS : TIMEOUT_MS, outside);
}

/** @param {string} path @param {number} timeout ms, for the whole of the answer @param {Outside} [outside] @returns {Promise<Heard | null>} null: nothing of ours came through */
async function ask(path, timeout, { send = fetch, clock = steady } = {}) {
  let sentAt = clock();
  try {
    if (isLeft()) {
      // Nothing is taken that was meant for him.
      if (!(await (await import("../leaving.js")).complete())) return null;
      sentAt = clock();
    }
    const response = await send(PREFIX + path, {
      credentials: "same-origin",
      redirect: "manual",
      cache: "no-store",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(timeout),
    });
    // Without the header it is a wall between us and the server that speaks.
    if (response.headers.get("X-Sync-Protocol") !== "1") return null;
    const body = response.ok ? await response.json() : null;
    const heardAt = clock();
    return { status: response.status, body, sentAt, heardAt, drift: Date.now() - heardAt };
  } catch {
    // No network, too slow, or no JSON: all the same to whoever waits.
    return null;
  }
}
