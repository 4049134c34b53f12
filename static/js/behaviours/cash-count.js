/**
 * Counts along while the cash of an evening is typed: what the notes come to, what should be there, and the
 * difference in words. The server decides all the same, and answers the sum where there is no script.
 */
import { paiseOf, rupees, westernDigits } from "../counter/figures.js";

/**
 * What is counted so far.
 *
 * @param {[note: number, typed: string][]} notes @param {string} coins rupees as typed
 * @returns {{ sums: (number | null)[], paise: number }} paise of each note (null where nothing can be read), and of all
 */
export function counted(notes, coins) {
  const sums = notes.map(([note, typed]) => {
    const digits = westernDigits(typed);
    return /^\d{1,7}$/.test(digits) ? Number(digits) * note * 100 : null;
  });
  return {
    sums,
    paise: sums.reduce((/** @type {number} */ sum, each) => sum + (each ?? 0), paiseOf(coins) ?? 0),
  };
}

/** @param {number} paise */
const shown = (paise) => `₹${rupees(paise)}`;

/** @param {HTMLElement} element the form @returns {() => void} */
export function mount(element) {
  const words = element.dataset;
  const opening = element.querySelector("#id_opening_cash");
  const coins = element.querySelector("#id_coins");
  const notes = [...element.querySelectorAll("[data-note]")].map((cell) => {
    const note = Number(/** @type {HTMLElement} */ (cell).dataset.note);
    return { note, cell, field: /** @type {HTMLInputElement} */ (element.querySelector(`#id_${note}`)) };
  });

  /** @param {string} selector @param {string} text */
  const say = (selector, text) => {
    const place = document.querySelector(selector);
    if (place) place.textContent = text;
  };

  /** @param {string | undefined} sentence @param {number} paise */
  const filled = (sentence, paise) => (sentence ?? "").replace("@", shown(Math.abs(paise)));
  /** @param {number} paise */
  const inTheBox = (paise) => (paise < 0 ? filled(words.short, paise) : shown(paise));

  const count = () => {
    const { sums, paise } = counted(
      notes.map(({ note, field }) => [note, field.value]),
      coins instanceof HTMLInputElement ? coins.value : "",
    );
    for (const [place, { cell }] of notes.entries()) cell.textContent = sums[place] ? shown(sums[place]) : "";
    const before =
      opening instanceof HTMLInputElement ? (paiseOf(opening.value) ?? 0) : Number(words.opening);
    const expected = before + Number(words.moved);
    const difference = paise - expected;
    if (opening) say("#opening-words", inTheBox(before));
    say("[data-expected]", inTheBox(expected));
    say("[data-counted]", shown(paise));
    say(
      "[data-difference]",
      difference ? filled(difference > 0 ? words.over : words.under, difference) : (words.even ?? ""),
    );
  };

  const button = element.querySelector("[data-count]");
  if (button instanceof HTMLElement) button.hidden = true;
  element.addEventListener("input", count);
  // What was typed before this script came, or is kept by the browser.
  if (notes.some(({ field }) => field.value) || (coins instanceof HTMLInputElement && coins.value)) count();
  return () => {
    element.removeEventListener("input", count);
    if (button instanceof HTMLElement) button.hidden = false;
  };
}
