/**
 * Day and dim: which of the two a page wears. A classic script in <head>, so that it is known before
 * the first paint; without it the system's wish (prefers-color-scheme) holds.
 *
 * Dim is worn by the device's clock from 18:30 to 6:15. A choice by hand lasts until the clock would
 * switch the next time: who darkens the tablet at noon wants it dark now, not tomorrow noon.
 */
(() => {
  const KEY = "malar-theme";
  /** Minutes of the day. */
  const MORNING = 6 * 60 + 15;
  const EVENING = 18 * 60 + 30;
  /** The browser's own bars, in the colour of ours (--leaf). @type {Record<string, string>} */
  const BAR = { day: "#0b4a38", dim: "#0a3a2c" };

  /** What the clock says. @param {Date} now */
  function scheduled(now) {
    const minute = now.getHours() * 60 + now.getMinutes();
    return minute >= MORNING && minute < EVENING ? "day" : "dim";
  }

  /** When the clock switches next, in milliseconds of the epoch. @param {Date} now */
  function nextSwitch(now) {
    const minute = now.getHours() * 60 + now.getMinutes();
    const next = new Date(now);
    if (minute < MORNING) next.setHours(0, MORNING, 0, 0);
    else if (minute < EVENING) next.setHours(0, EVENING, 0, 0);
    else next.setHours(24, MORNING, 0, 0);
    return next.getTime();
  }

  /** The choice by hand if it still holds, else what the clock says. @param {Date} now @param {string | null} kept */
  function themeAt(now, kept) {
    const [theme, until] = (kept ?? "").split(" ");
    const isTheme = theme === "day" || theme === "dim";
    return isTheme && Number(until) > now.getTime() ? theme : scheduled(now);
  }

  /** The other theme, as it is kept: its name and until when. @param {Date} now @param {string | null} kept */
  function chosen(now, kept) {
    const other = themeAt(now, kept) === "dim" ? "day" : "dim";
    return other === scheduled(now) ? null : `${other} ${nextSwitch(now)}`;
  }

  /** A browser may refuse to keep anything; then a choice lasts as long as the page. @type {string | null} */
  let here = null;

  function kept() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return here;
    }
  }

  /** @param {string | null} value */
  function keep(value) {
    here = value;
    try {
      if (value) localStorage.setItem(KEY, value);
      else localStorage.removeItem(KEY);
    } catch {
      // See `here`.
    }
  }

  function wear() {
    const theme = themeAt(new Date(), kept());
    const root = document.documentElement;
    if (root.dataset.theme !== theme) {
      root.dataset.theme = theme;
      document.querySelector('meta[name="theme-color"]')?.setAttribute("content", BAR[theme]);
    }
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-pressed", String(theme === "dim"));
      button.removeAttribute("hidden");
    }
  }

  if (typeof document === "undefined") {
    // The tests read the reckoning; a page has no use for it.
    Object.assign(globalThis, { malarTheme: { scheduled, nextSwitch, themeAt, chosen } });
    return;
  }
  wear();
  document.addEventListener("DOMContentLoaded", wear);
  document.addEventListener("visibilitychange", wear);
  window.addEventListener("pageshow", wear);
  window.addEventListener("storage", wear);
  setInterval(wear, 60_000);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target?.closest("[data-theme-toggle]")) return;
    keep(chosen(new Date(), kept()));
    wear();
  });
})();
