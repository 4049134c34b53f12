/**
 * The slip in hand outlives its page: another language, a reload, signing in again.
 *
 * It lies in this tab's own drawer, without money and names, and only whoever wrote it, in the same shop, gets it back.
 *
 * @typedef {import("./slip.js").Slip} Slip
 * @typedef {import("./slip.js").Line} Line
 * @typedef {import("./slip.js").Done} Done
 * @typedef {import("./slip.js").World} World
 * @typedef {import("./ref.js").Reference} Reference
 */
import { paiseOf } from "./figures.js";
import { missingOf } from "./slip.js";

const KEY = "malar.slip";

/** A storage that never throws: where the browser refuses one, nothing is kept. @param {() => Storage} open @returns {Pick<Storage, "getItem" | "setItem" | "removeItem">} */
export function storage(open) {
  try {
    return open();
  } catch {
    return { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  }
}

/** @param {Pick<Reference, "user" | "shopId">} reference @param {Slip} slip @param {World} world */
export function keepDraft({ user, shopId }, slip, world) {
  if (!user) return;
  const { rate, offer, question, effect, answered, band, ...rest } = slip;
  const tried = slip.tried && withoutMoney(slip.tried);
  const done = slip.done.map(({ line, version }) => ({
    line: { ...withoutMoney(line), rate: null },
    version,
  }));
  const kept = { user: user.id, shop: shopId, at: world.now, slip: { ...rest, tried, done } };
  try {
    storage(() => sessionStorage).setItem(KEY, JSON.stringify(kept));
  } catch {
    // Full: it lasts as long as the page.
  }
}

/** The rate that was typed stays: it is what was sent. @param {Line} line */
function withoutMoney(line) {
  return { ...line, quoted: null, amount: null };
}

/** Nobody is there to whom it could belong. */
export function forgetDraft() {
  storage(() => sessionStorage).removeItem(KEY);
}

/**
 * @param {Pick<Reference, "user" | "shopId" | "day">} reference @param {World} world
 * @returns {Slip | null} null: there is none, or it is somebody else's or of another business day
 */
export function draft({ user, shopId, day }, world) {
  try {
    const kept = JSON.parse(storage(() => sessionStorage).getItem(KEY) ?? "null");
    if (!kept) return null;
    if (kept.user !== user?.id || kept.shop !== shopId) {
      forgetDraft();
      return null;
    }
    const isOld = world.dayOf(kept.at) !== world.dayOf(world.now);
    return isOld && !kept.slip.tried ? null : restored(kept.slip, world, day);
  } catch {
    return null;
  }
}

/** With the money looked up again. @param {Slip} kept @param {World} world @param {import("./ref.js").Day | null} day @returns {Slip} */
function restored(kept, world, day) {
  const { farmer, flower, rateAt, tried } = kept;
  const band = world.farmers.get(farmer ?? "")?.usual.find((habit) => habit.flower === flower)?.band ?? null;
  /** @type {Done[]} */
  const done = kept.done.map(({ line, version }) => {
    const amount = day?.last.find((each) => each.id === line.id)?.amount ?? null;
    return { line, version, amount: amount === null ? null : paiseOf(amount) };
  });
  /** @type {Slip} */
  const slip = {
    ...kept,
    // A tab that was doubled has the same drawer: only what was sent, or stands in the book, keeps its key.
    id: tried || kept.corrects ? kept.id : crypto.randomUUID(),
    rate: flower === null ? null : world.rateAt(flower, rateAt),
    offer: null,
    question: null,
    saving: false,
    effect: null,
    answered: null,
    band,
    done,
  };
  const isWhole = missingOf(slip, world) === null && !slip.weight.endsWith(".");
  return isWhole ? { ...slip, ring: "save" } : slip;
}
