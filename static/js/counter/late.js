/**
 * What the counter fetches when it is open: the first sale needs nothing of it.
 *
 * @typedef {import("./sync.js").Hands} Hands
 */
import { keepAwake } from "./awake.js";
import { mountLock } from "./lock.js";
import { mountPorts } from "./port.js";
import { mountVerified } from "./verified.js";
import { mountVersion } from "./version.js";

/** Done when it is known whether the tablet may take anything down. @param {Hands} hands @returns {Promise<void>} */
export function mount(hands) {
  const { reference } = hands;
  keepAwake();
  // The worker, and the chip of a new version: what opens the counter next time may wait until it is open now.
  mountVersion(hands.isInHand);
  const verified = mountVerified(hands);
  mountLock(hands);
  mountPorts(hands);
  const look = () => {
    if (!reference.user || !reference.shelf) return;
    reference.removeEventListener("change", look);
    lookAtStorage(hands);
  };
  reference.addEventListener("change", look);
  look();
  return verified;
}

/** The tablet is asked not to lose the book. @param {Hands} hands */
async function lookAtStorage(hands) {
  const { storage } = navigator;
  const isKept = (await storage?.persisted?.()) || (await storage?.persist?.().catch(() => false));
  const { usage = 0, quota = 0 } = (await storage?.estimate?.().catch(() => undefined)) ?? {};
  hands.risk = quota && usage > quota * 0.9 ? "full" : isKept ? "" : "loose";
  hands.draw();
}
