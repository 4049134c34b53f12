/**
 * What the counter knows: farmers, flowers, slots, rates and the day so far.
 *
 * @typedef {import("./slip.js").Farmer} Farmer
 * @typedef {import("./slip.js").Flower} Flower
 * @typedef {import("./slip.js").World} World
 * @typedef {import("./rates.js").Rate} Rate
 * @typedef {import("./rates.js").Slot} Slot
 * @typedef {{id: string, name: string, role: string, language: "ta" | "en", pin?: string | null}} User
 * @typedef {{id: string, name_ta: string, name_en: string, number_digits: 3 | 4, turnover_hour: number}} Shop
 * @typedef {{id: string, farmer: string, flower: string, quantity: string, unit: string, rate: string | null,
 *   amount: string | null, status: string, version: number | null, captured_at: string, mine: boolean,
 *   slip_number?: string}} DayLine
 * @typedef {{date: string, lines: number, kilograms: string, amount: string, last: DayLine[]}} Day
 * @typedef {{id: string, name_ta: string, name_en: string, basis: string, rate: string}} Fee
 * @typedef {import("./ask.js").Part} Part
 * @typedef {Promise<import("./ask.js").Heard | null>} Asked
 */
import { ALL, askFor, askWho, isLong, steady } from "./ask.js";
import { gramsOf, paiseOf } from "./figures.js";
import { businessDate, clockOffset, rateAt, slotAt } from "./rates.js";

/** More apart than this, and the device slept or its clock was set. */
const DRIFT_MS = 2000;
/** Farmers are seldom new in the middle of a morning. */
const ALL_MS = 600_000;
/** So long the server is waited for before the tablet says what it knows itself. */
const SHELF_MS = 1000;
/** The best time of so long ago is better than a worse one of now. */
const SAMPLE_MS = 3_600_000;
/** One run of this page. */
const BOOT = crypto.randomUUID();

/**
 * Dispatches `change` when something was fetched, `signedout` when the session is over (or the role may not), `other`
 * when somebody else is signed in, and `unreachable` when nothing came through: what is known stays, with its `asOf`.
 */
export class Reference extends EventTarget {
  /** @type {User | null} */
  user = null;
  /** @type {Shop | null} */
  shop = null;
  /** @type {string} the shop's id as hello says it */
  shopId = "";
  csrf = "";
  /** @type {string} ISO time, by the server, of what is known */
  asOf = "";
  /** @type {Map<string, Farmer>} */
  farmers = new Map();
  /** @type {Map<number, Farmer>} */
  numbers = new Map();
  /** @type {Map<string, Flower>} in the stall's order */
  flowers = new Map();
  /** @type {Slot[]} */
  slots = [];
  /** @type {Rate[]} newest first */
  rates = [];
  /** Epoch ms by the server: until then all rates are known. */
  ratesAt = 0;
  /** @type {Day | null} */
  day = null;
  /** All of a day, as they were when somebody looked. @type {{at: string, date: string, all: DayLine[]} | null} */
  lines = null;
  /** What can be charged by hand. @type {Fee[]} */
  fees = [];
  /** Up to how many ₹ staff may give by kind; null: there is no limit. @type {Record<string, string | null>} */
  limits = {};
  isReachable = true;
  isSignedOut = false;
  /** The one signed in does not sell: a farmer. */
  isForbidden = false;
  #offset = 0;
  /** How far Date.now() was ahead of our clock when the server last said the time. */
  #drift = 0;
  /** How wrong the time may be, ms; null: nobody knows. @type {number | null} */
  #uncertain = null;
  #sampledAt = -Infinity;
  #jumps = 0;
  #cursor = "";
  #allAt = -Infinity;
  #isLong = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {{fetch?: typeof fetch, page?: Pick<Document, "addEventListener" | "removeEventListener" | "visibilityState">, clock?: () => number,
   *   shelf?: import("./shelf.js").Shelf | null, heartbeat?: number}} [outside] shelf: where the tablet keeps what it was told; heartbeat: ms
   */
  constructor({
    fetch: send = (...args) => fetch(...args),
    page = document,
    clock = steady,
    shelf = null,
    heartbeat = 30_000,
  } = {}) {
    super();
    this.shelf = shelf;
    this.heartbeat = heartbeat;
    this.send = send;
    this.page = page;
    this.clock = clock;
  }

  /**
   * Fetch all, then keep rates and day fresh while somebody looks.
   *
   * Both are asked at once, for a slow line has time for one wait only. But nothing is taken before hello has said
   * whose it is: not another shop's lists, and no draft is judged by nobody.
   *
   * @param {{who: Asked, all: Asked}} [asked] what the page has asked already @returns {Promise<void>}
   */
  async start({ who, all } = { who: askWho(this), all: askFor(ALL, this) }) {
    this.stop();
    this.#timer = setInterval(this.#again, this.heartbeat);
    this.page.addEventListener("visibilitychange", this.#again);
    this.#isLong = true;
    await this.#fromShelf(who);
    if (await this.hello(who)) await this.refresh(ALL, all);
    this.#isLong = false;
  }

  /**
   * What the tablet knows itself, at once where hello has said whose it is. Where the server is slow or away, it is
   * whoever was signed in last; not when he has signed out, nor for ever.
   *
   * @param {Asked} who
   */
  async #fromShelf(who) {
    const { shelf } = this;
    if (!shelf) return;
    const late = new Promise((go) => setTimeout(go, SHELF_MS, null));
    const heard = await Promise.race([who, late]);
    if (heard && !heard.body) return; // nobody is signed in
    const session = heard ? heard.body : await shelf.session();
    const kept = session && (await shelf.load(session.user.id, session.shop));
    if (!kept || this.asOf !== "") return;
    this.#met(session);
    if (!heard && kept.clock) {
      // By the wall: our own clock begins anew with every page.
      this.#drift = Date.now() - this.clock();
      this.#offset = kept.clock.offset_ms + this.#drift;
      this.#jumps = kept.clock.jumps;
    } else if (heard) this.#setClock(heard);
    this.#cursor = kept.cursor;
    this.#take(kept.ref);
    this.#allAt = -Infinity;
    const today = businessDate(this.now(), this.shop?.turnover_hour ?? 0);
    // Yesterday's rates hold for nothing, and its lines are not today's.
    if (businessDate(this.ratesAt, this.shop?.turnover_hour ?? 0) !== today) this.rates = [];
    if (this.day?.date !== today)
      this.day = { date: today, lines: 0, kilograms: "0.000", amount: "0.00", last: [] };
    this.dispatchEvent(new Event("change"));
  }

  stop() {
    clearInterval(this.#timer);
    this.page.removeEventListener("visibilitychange", this.#again);
  }

  /** Ask now, and not in half a minute. */
  again() {
    return this.#again();
  }

  #again = async () => {
    if (this.page.visibilityState !== "visible" || this.#isLong) return;
    if (!this.csrf && !(await this.hello())) return;
    await this.refresh(this.clock() - this.#allAt < ALL_MS ? ["rates", "day"] : ALL);
  };

  /** Who we are: user, shop, CSRF token and the server's clock. @param {Asked} [asked] @returns {Promise<boolean>} whether it got through */
  async hello(asked = askWho(this)) {
    const answer = await this.#hear(asked);
    if (!answer || this.#isOther(answer.shop)) return false;
    if (this.user && this.user.id !== answer.user.id) {
      this.dispatchEvent(new Event("other"));
      return false;
    }
    this.#met(answer);
    this.csrf = answer.csrf;
    this.shelf?.meet(answer);
    this.dispatchEvent(new Event("change"));
    return true;
  }

  /** @param {any} session as hello says it */
  #met({ user, shop, limits = {} }) {
    Object.assign(this, { user, limits, shopId: shop });
  }

  /** @param {Part[]} [parts] @param {Asked} [asked] @returns {Promise<boolean>} whether it got through */
  async refresh(parts = ["rates", "day"], asked = askFor(parts, this, this.#cursor)) {
    this.#isLong ||= isLong(parts);
    const answer = await this.#hear(asked);
    if (isLong(parts)) this.#isLong = false;
    if (!answer || this.#isOther(answer.shop.id)) return false;
    // Answers may overtake each other; an older one says nothing new.
    if (Date.parse(answer.as_of) < Date.parse(this.asOf)) return true;
    this.#take(answer);
    if (this.user) this.shelf?.keep(this.user.id, answer);
    this.dispatchEvent(new Event("change"));
    return true;
  }

  /** @param {any} answer of ref/ */
  #take(answer) {
    this.asOf = answer.as_of;
    this.shop = answer.shop;
    if (answer.farmers) {
      const isPart = answer.farmers_complete === false;
      const before = [...this.farmers.values()].filter((farmer) => isPart || "synced" in farmer);
      const changed = new Set(answer.farmers.map((/** @type {Farmer} */ { id }) => id));
      const farmers = [...before.filter(({ id }) => !changed.has(id)), ...answer.farmers.map(farmerOf)];
      if (before.length) farmers.sort((one, other) => one.number - other.number);
      this.#cursor = answer.cursor ?? "";
      this.#know(farmers);
    }
    if (answer.flowers) {
      this.#allAt = this.clock();
      this.fees = answer.fees ?? [];
      this.flowers = new Map(
        answer.flowers.map(flowerOf).map((/** @type {Flower} */ flower) => [flower.id, flower]),
      );
    }
    if (answer.slots) this.slots = answer.slots;
    if (answer.rates) {
      this.rates = answer.rates.map(rateOf);
      this.ratesAt = Date.parse(answer.rates_at ?? answer.as_of);
    }
    if (answer.day) this.day = answer.day;
    if (answer.lines) this.lines = answer.lines;
  }

  /** @param {Farmer[]} farmers of those of one number the last has it */
  #know(farmers) {
    this.farmers = new Map(farmers.map((farmer) => [farmer.id, farmer]));
    this.numbers = new Map(farmers.map((farmer) => [farmer.number, farmer]));
  }

  /** Somebody was added here. @param {Farmer} farmer */
  adopt(farmer) {
    this.#know([farmer, ...[...this.farmers.values()].filter(({ id }) => id !== farmer.id)]);
    this.dispatchEvent(new Event("change"));
  }

  /** Somebody signed in to another shop in this browser: nothing of it may mix with ours. @param {string} shop its id */
  #isOther(shop) {
    const isOther = this.shopId !== "" && shop !== this.shopId;
    if (isOther) this.signOut();
    return isOther;
  }

  /** What an answer says of the session, the line and the clock. @param {Asked} asked @returns {Promise<any>} the JSON of a genuine answer, else null */
  async #hear(asked) {
    const heard = await asked;
    if (heard?.status === 401 || heard?.status === 403) {
      this.isForbidden = heard.status === 403;
      this.signOut();
      return null;
    }
    const wasReachable = this.isReachable;
    this.isReachable = Boolean(heard?.body);
    if (heard?.body) {
      this.isSignedOut = false;
      this.#setClock(heard);
    } else if (wasReachable) this.dispatchEvent(new Event("unreachable"));
    return heard?.body ?? null;
  }

  /** What the server says the time is: the least uncertain of an hour counts. @param {import("./ask.js").Heard} heard */
  #setClock({ body, sentAt, heardAt, drift }) {
    const uncertain = Math.round((heardAt - sentAt) / 2);
    const isOld = this.clock() - this.#sampledAt > SAMPLE_MS || Math.abs(drift - this.#drift) > DRIFT_MS;
    if (this.#uncertain !== null && uncertain > this.#uncertain && !isOld) return;
    if (this.#sampledAt > -Infinity && Math.abs(drift - this.#drift) > DRIFT_MS) this.#jumps += 1;
    this.#offset = clockOffset(body.server_time ?? body.as_of, sentAt, heardAt);
    this.#drift = drift;
    this.#uncertain = uncertain;
    this.#sampledAt = this.clock();
    const rtt_ms = Math.round(heardAt - sentAt);
    const offset_ms = Math.round(this.#offset - drift);
    this.shelf?.keepClock({ offset_ms, rtt_ms, at: Date.now(), jumps: this.#jumps });
  }

  /** The device slept, or its clock was set: the server is asked, for a moment only; else the wall's clock counts. */
  async findTime() {
    if (this.isClockSure) return;
    await Promise.race([this.hello(), new Promise((go) => setTimeout(go, SHELF_MS))]);
    if (this.isClockSure) return;
    const drift = Date.now() - this.clock();
    this.#offset += drift - this.#drift;
    this.#drift = drift;
    this.#uncertain = null;
    this.#jumps += 1;
  }

  /** A moment of ours as a tablet's operation says it: by its own clock, and what that is worth. @param {number} at epoch ms by the server's clock */
  stamp(at) {
    const offset_ms =
      this.#sampledAt === -Infinity && !this.#offset ? null : Math.round(this.#offset - this.#drift);
    const mono_ms = Math.round(performance.now());
    return {
      device_ms: Math.round(at - (offset_ms ?? 0)),
      offset_ms,
      unc_ms: this.isClockSure ? this.#uncertain : null,
      mono_ms,
      boot: BOOT,
    };
  }

  /** The session is over. What was fetched stays, so that a slip can be finished after signing in. */
  signOut() {
    const isNew = !this.isSignedOut;
    this.isSignedOut = true;
    this.csrf = "";
    if (isNew) this.dispatchEvent(new Event("signedout"));
  }

  /** Whether our clock went on since the server last said the time: it stands still while the device sleeps. @returns {boolean} */
  get isClockSure() {
    return Math.abs(Date.now() - this.clock() - this.#drift) < DRIFT_MS;
  }

  /** Epoch ms by the server's clock. @returns {number} */
  now() {
    return Math.round(this.clock() + this.#offset);
  }

  /** The slot of this moment. @returns {Slot | null} */
  slot() {
    return slotAt(this.slots, this.now());
  }

  /** @param {string} flower @param {number} at epoch ms @returns {number | null} paise per unit */
  rateAt(flower, at) {
    const { rates, slots, shop } = this;
    const turnoverHour = shop?.turnover_hour ?? 0;
    // Fetched yesterday: what holds today is not known here, and yesterday's is never taken for it.
    const isOld = businessDate(this.ratesAt, turnoverHour) < businessDate(at, turnoverHour);
    return isOld ? null : rateAt({ rates, slots, turnoverHour }, flower, at);
  }

  /** What a slip is filled from; add `scale` and `asks`. @returns {Omit<World, "scale" | "asks">} */
  world() {
    return {
      digits: this.shop?.number_digits ?? 3,
      farmers: this.farmers,
      numbers: this.numbers,
      flowers: this.flowers,
      now: this.now(),
      ratesAt: this.ratesAt,
      rateAt: (flower, at) => this.rateAt(flower, at),
      dayOf: (at) => businessDate(at, this.shop?.turnover_hour ?? 0),
    };
  }
}

/** @param {any} sent @returns {Farmer} */
function farmerOf(sent) {
  const usual = sent.usual.map((/** @type {any} */ habit) => ({
    flower: habit.flower,
    lines: habit.lines,
    band: habit.low === null ? null : { low: gramsOf(habit.low) ?? 0, high: gramsOf(habit.high) ?? 0 },
  }));
  return { ...sent, usual };
}

/** @param {any} sent @returns {Flower} */
function flowerOf(sent) {
  return { ...sent, largest: sent.largest === null ? null : gramsOf(sent.largest) };
}

/** @param {any} sent @returns {Rate} */
function rateOf(sent) {
  return {
    flower: sent.flower,
    slot: sent.slot,
    paise: paiseOf(sent.rate) ?? 0,
    from: Date.parse(sent.from),
  };
}
