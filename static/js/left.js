/**
 * Somebody signed out here, and the server could not be told (leaving.js): whatever it still says to him is not taken.
 */
export const LEFT = "malar.left";
/** When the counter was touched last, epoch ms, where a PIN opens it; 0: it is locked. */
export const TOUCHED = "malar.touched";
export const IDLE_MS = 300_000;

/** Whether only the PIN opens the counter here (counter/lock.js). A clock that went back proves nothing. */
export function isLocked() {
  const touched = read(TOUCHED);
  const since = Date.now() - Number(touched);
  return touched !== null && !(since >= 0 && since < IDLE_MS);
}

export function isLeft() {
  return read(LEFT) !== null;
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** The server knows by now that nobody is signed in. */
export function arriveNobody() {
  try {
    localStorage.removeItem(LEFT);
  } catch {
    // Nothing was remembered.
  }
}
