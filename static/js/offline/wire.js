/**
 * One request to the server, and what is an answer: only what carries our mark and can be read to its end.
 */
(() => {
  /**
   * @typedef {{status: number, body: any, retryAfter: number}} Answer body: null where it is nobody of ours who speaks;
   *   retryAfter: ms
   */

  const offline = /** @type {any} */ (self).malarOffline;
  const PROTOCOL = "1";

  /**
   * @param {{path: string, body?: unknown, headers?: Record<string, string>, timeout: number, send: typeof fetch}} asked
   *   timeout: ms, for the whole of the answer
   * @returns {Promise<Answer | null>} null: nothing came, or a wall or a redirect in place of it
   */
  offline.ask = async ({ path, body, headers = {}, timeout, send }) => {
    const stop = new AbortController();
    const clock = setTimeout(() => stop.abort(), timeout);
    try {
      const response = await send(`/sync/v1/${path}`, {
        method: body === undefined ? "GET" : "POST",
        credentials: "same-origin",
        redirect: "manual",
        cache: "no-store",
        headers: {
          Accept: "application/json",
          "X-Sync-Protocol": PROTOCOL,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: stop.signal,
      });
      const { status } = response;
      const retryAfter = 1000 * (Number(response.headers.get("Retry-After")) || 0);
      const isOurs = response.headers.get("X-Sync-Protocol") === PROTOCOL;
      // A browser that cannot break off the body by the signal is broken off here.
      const text = await Promise.race([
        response.text(),
        new Promise((_, refuse) => {
          stop.signal.addEventListener("abort", () => refuse(new Error("too late")));
        }),
      ]);
      // Too much, too often, out of order: a proxy may say so, in whatever words.
      const isPlain = status === 413 || status === 429 || status >= 500;
      if (!isOurs || isPlain) return isPlain ? { status, body: null, retryAfter } : null;
      return { status, body: JSON.parse(text), retryAfter };
    } catch {
      return null;
    } finally {
      clearTimeout(clock);
    }
  };
})();
