/**
 * Somebody signed out here, and the server could not be told (leaving.js): whatever it still says to him is not taken.
 */
export const LEFT = "malar.left";

export function isLeft() {
  try {
    return localStorage.getItem(LEFT) !== null;
  } catch {
    return false;
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
