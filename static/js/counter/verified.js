/**
 * How long a tablet may take down what comes without the server having said who works on it: 18 hours. Then nothing new
 * is taken until it has; what waits stays, and is sent.
 *
 * The time is the server's. Within a page it only goes forward, and the latest time that was known is kept on the
 * tablet: a clock that is set back gives nobody more.
 *
 * @typedef {import("./sync.js").Hands} Hands
 */
import { say } from "./view.js";

const KEEP_MS = 60_000;

export class Verified {
  #saidAt = -Infinity;
  #latest = -Infinity;
  /** Not before it was read. */
  #keptAt = Infinity;

  /**
   * @param {import("./ref.js").Reference} reference @param {any} device of static/js/offline/
   * @param {number} most ms @param {() => number} clock ms that only go forward
   */
  constructor(reference, device, most, clock = () => performance.now()) {
    this.reference = reference;
    this.device = device;
    this.most = most;
    this.clock = clock;
    this.at = clock();
    this.look();
  }

  /** What the tablet kept of it. */
  async begin() {
    const kept = await this.device.get("latest").catch(() => null);
    if (kept) this.#latest = Math.max(this.#latest, kept.at);
    this.#keptAt = -Infinity;
    this.look();
  }

  /** Something was heard, or read from the tablet. */
  look() {
    const { reference } = this;
    if (reference.csrf && reference.isReachable) {
      // What it knew better, by a clock that had been set forward, was wrong.
      this.#saidAt = this.#latest = reference.now();
      this.at = this.clock();
    } else this.#saidAt = Math.max(this.#saidAt, Date.parse(reference.asOf) || -Infinity);
    if (this.clock() - this.#keptAt > KEEP_MS) this.keep();
  }

  /** The latest time that is known here, epoch ms by the server. */
  now() {
    const passed = this.clock() - this.at;
    this.at += passed;
    this.#latest = Math.max(this.#latest + passed, this.reference.now());
    return this.#latest;
  }

  /** @returns {boolean} whether it is too long ago */
  get isOver() {
    return this.reference.asOf !== "" && this.now() - this.#saidAt > this.most;
  }

  /** Onto the tablet, for the next page. */
  async keep() {
    const { device, reference } = this;
    if (!reference.user) return;
    this.#keptAt = this.clock();
    try {
      await device.put({ at: this.now() }, "latest");
      const session = await device.get("session");
      if (reference.csrf && reference.isReachable && session?.user.id === reference.user.id)
        await device.put({ ...session, at: Date.now() }, "session");
    } catch {
      // A disk that refuses keeps nobody from working.
    }
  }
}

/** Done when it is known what the tablet kept of it. @param {Hands} hands */
export async function mountVerified(hands) {
  const { book, reference } = hands;
  const device = reference.shelf?.device;
  if (!device) return; // each line is the server's own word
  const { settings } = /** @type {any} */ (self).malarOffline;
  const verified = new Verified(reference, device, settings.verified);
  let isRefused = false;
  book.refusal = () => {
    if (!verified.isOver) return null;
    isRefused = true;
    verified.keep();
    reference.again();
    return refused();
  };
  reference.addEventListener("change", () => {
    verified.look();
    if (!isRefused || verified.isOver) return;
    isRefused = false;
    hands.tell(null);
  });
  setInterval(() => verified.keep(), KEEP_MS);
  const begun = verified.begin();
  // Too long ago to open at all: it is not that the tablet knew nobody.
  const tell = async () => {
    const session = reference.asOf === "" && (await device.get("session").catch(() => null));
    if (!session || reference.asOf !== "" || Date.now() - session.at < settings.verified) return;
    const again = { label: say("again"), best: true, act: () => reference.start() };
    hands.tell({ kind: "off", title: say("verify_title"), text: say("verify_text"), answers: [again] });
  };
  reference.addEventListener("unreachable", tell);
  if (!reference.isReachable) tell();
  await begun;
}

/** @returns {import("./book.js").Problem} */
function refused() {
  const said = { title: say("verify_title"), detail: say("verify_text") };
  return { type: "", code: "not_verified", status: 403, errors: [], ...said };
}
