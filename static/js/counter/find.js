/**
 * The sheet in which a farmer is found by name, number, village or the end of his phone number.
 *
 * Only `input` is listened to and the field is never written: keyboards of phones keep even Latin words in
 * composition, and whoever waits for its end, or writes meanwhile, breaks them.
 *
 * @typedef {import("./slip.js").Farmer} Farmer
 */
import { find, makeIndex } from "./search.js";
import { at, drawFound } from "./view.js";

/**
 * @param {(farmer: string) => void} choose with his id @param {() => import("./slip.js").World} world
 * @param {() => string[]} recent ids, the newest first
 * @param {(name: string) => void} add somebody who is not found
 * @returns {{open: () => void, know: (farmers: Farmer[]) => void}}
 */
export function mountFind(choose, world, recent, add) {
  const sheet = /** @type {HTMLDialogElement} */ (at("find"));
  const field = /** @type {HTMLInputElement} */ (at("find-words"));
  const table = JSON.parse(at("sound-table").textContent ?? "{}");
  /** @type {Farmer[]} */
  let known = [];
  /** Made when the page has nothing else to do: 2,000 names take a slow tablet a sixth of a second. @type {ReturnType<typeof makeIndex> | null} */
  let index = null;

  function indexed() {
    index ??= makeIndex(known, table);
    return index;
  }

  function search() {
    const found = find(indexed(), field.value, { recent: recent() }).map((each) =>
      world().farmers.get(each.farmer.id),
    );
    drawFound(/** @type {Farmer[]} */ (found.filter(Boolean)), world(), field.value.trim() !== "");
    // Names that only sound alike may all be somebody else.
    at("find-new").hidden = field.value.trim() === "";
  }

  /** @param {HTMLElement | null} button */
  function pick(button) {
    if (!button?.dataset.farmer) return;
    sheet.close();
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur(); // Enter belongs to the slip again
    choose(button.dataset.farmer);
  }

  field.addEventListener("input", search);
  at("find-new").addEventListener("click", () => {
    sheet.close();
    add(field.value.trim());
  });
  at("found").addEventListener("click", (event) =>
    pick(/** @type {Element} */ (event.target).closest("button")),
  );
  sheet.addEventListener("keydown", (event) => {
    // Enter that ends a composition chooses a word, not a farmer; some keyboards say so only by 229.
    if (event.isComposing || event.keyCode === 229) return;
    const buttons = [...at("found").querySelectorAll("button")];
    if (event.key === "Enter" && event.target === field) {
      event.preventDefault();
      pick(buttons[0] ?? null);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)) + step;
    (buttons[place] ?? field).focus();
  });

  return {
    open() {
      field.value = "";
      search();
      sheet.showModal();
      field.focus();
    },
    know(farmers) {
      if (farmers === known) return;
      known = farmers;
      index = null;
      (window.requestIdleCallback ?? setTimeout)(indexed);
    },
  };
}
