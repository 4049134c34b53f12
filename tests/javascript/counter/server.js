/** A server for the tests: answers in order, and what was asked of it. */

export const HELLO = {
  user: { id: "kumar", name: "Kumar", role: "staff", language: "ta" },
  shop: "shop-1",
  csrf: "token-1",
  server_time: "2026-11-23T04:52:00.000+05:30",
  protocol: 1,
};

/** @param {unknown} body @param {number} [status] */
export function json(body, status = 200) {
  return Response.json(body, { status, headers: { "X-Sync-Protocol": "1" } });
}

/** A hotel's sign-in page in place of us. */
export function wall() {
  return new Response("<html>Welcome to the WiFi</html>", { headers: { "Content-Type": "text/html" } });
}

/** @typedef {(path: string, asked: RequestInit) => Response | Promise<Response>} Answer */

/** @param {(Answer | Response | Error)[]} answers one for each request, the last one for all that follow */
export function server(...answers) {
  /** @type {{path: string, asked: RequestInit, headers: Record<string, string>, body: any}[]} */
  const requests = [];
  /** @type {any} */
  const send = async (/** @type {string} */ path, /** @type {RequestInit} */ asked) => {
    const body = typeof asked.body === "string" ? JSON.parse(asked.body) : null;
    requests.push({ path, asked, headers: /** @type {any} */ (asked.headers), body });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? answer(path, asked) : answer?.clone();
  };
  return { send, requests };
}

/** The page, which can be hidden. */
export class Page extends EventTarget {
  /** @type {DocumentVisibilityState} */
  visibilityState = "visible";

  /** @param {DocumentVisibilityState} state */
  turn(state) {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}
