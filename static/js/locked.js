/**
 * What the browser remembers of the counter's lock (counter/lock.js), for the other pages.
 */
import { isLocked, TOUCHED } from "./left.js";

export const WRONG = "malar.wrong";
const TOUCH_MS = 5000;
const LOOK_MS = 10_000;

/** Nobody is signed in: whoever comes next has to. */
export function unlock() {
  try {
    for (const key of [TOUCHED, WRONG]) localStorage.removeItem(key);
  } catch {
    // Nothing was remembered.
  }
}

/**
 * An office page on a tablet whose counter is locked shows nothing, also where it was left open; one that is used keeps
 * it open.
 *
 * @param {() => boolean} isTyped something is half filled in: it stays, for no page but this one has it
 */
export function guard(isTyped) {
  const look = () => {
    if (!isLocked() || isTyped()) return;
    document.documentElement.hidden = true;
    location.replace("/app/");
  };
  look();
  setInterval(look, LOOK_MS);
  document.addEventListener("visibilitychange", look);
  let touchedAt = -Infinity;
  for (const touch of ["pointerdown", "keydown"])
    document.addEventListener(
      touch,
      () => {
        if (performance.now() - touchedAt < TOUCH_MS || isLocked()) return;
        touchedAt = performance.now();
        try {
          if (localStorage.getItem(TOUCHED) !== null) localStorage.setItem(TOUCHED, String(Date.now()));
        } catch {
          // Nothing is remembered.
        }
      },
      true,
    );
}
