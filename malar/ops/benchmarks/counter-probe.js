// Runs in the page before its own scripts (counter.py puts it there) and keeps what it sees in `self.seen`, in ms.
(() => {
  const seen = {
    lcp: 0,
    accepted: 0,
    painted: 0,
    keys: [],
    unchanged: 0,
    search: [],
    saved: [],
    interactions: {},
  };
  self.seen = seen;

  /** After the next frame is on the glass: the second callback runs when the first one's frame is painted. */
  const whenPainted = (then) =>
    requestAnimationFrame(() => requestAnimationFrame(() => then(performance.now())));
  const shown = () =>
    ["number-typed", "who-number", "weight"]
      .map((id) => document.getElementById(id)?.textContent ?? "")
      .join("|");

  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.lcp = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const { interactionId, duration } of list.getEntries())
      if (interactionId)
        seen.interactions[interactionId] = Math.max(seen.interactions[interactionId] ?? 0, duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });

  // A key again and again from the first moment on, until the page takes one; then until its digit is painted.
  if (self.knocks) {
    const before = /^\|*$/;
    const knocking = setInterval(() => {
      const key = new KeyboardEvent("keydown", { key: "7", bubbles: true, cancelable: true });
      if (document.body?.dispatchEvent(key) !== false) return;
      clearInterval(knocking);
      seen.accepted = performance.now();
      const look = () =>
        before.test(shown())
          ? requestAnimationFrame(look)
          : whenPainted((now) => {
              seen.painted = now;
            });
      look();
    }, 10);
  }

  let tapped = 0;
  addEventListener(
    "pointerdown",
    (event) => {
      if (event.target.closest("#save")) tapped = event.timeStamp;
      if (!event.target.closest("[data-key]")) return;
      const before = shown();
      whenPainted((now) => {
        seen.keys.push(now - event.timeStamp);
        if (shown() === before) seen.unchanged += 1;
      });
    },
    true,
  );

  // What the page does at a letter: from before the first listener until after the last.
  let typed = 0;
  addEventListener(
    "input",
    () => {
      typed = performance.now();
    },
    true,
  );
  addEventListener("input", () => seen.search.push(performance.now() - typed));

  addEventListener("DOMContentLoaded", () => {
    const done = document.getElementById("done");
    if (!done) return;
    new MutationObserver(() => {
      if (done.hidden || !tapped) return;
      const since = tapped;
      tapped = 0;
      whenPainted((now) => seen.saved.push(now - since));
    }).observe(done, { attributes: true, attributeFilter: ["hidden"] });
  });
})();
