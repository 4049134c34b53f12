/**
 * The rate board under the owner's fingers: the keypad and the arrow keys edit the chosen place, the
 * panel shows it large, and a rate far from the usual one is asked about before it is sent (the server
 * asks all the same). What was typed stays when the network fails.
 */
import { paiseOf, rupees } from "../counter/figures.js";
import { isFar, meantBy, stepped, typed } from "./rate-figures.js";

/** The place that was chosen last, by its name: the board is replaced by fresh ones. @type {string} */
let chosenName = "";
/** Whether the owner has just published: then the eye goes to what happened. */
let hasPublished = false;

/** @param {number} paise */
const shown = (paise) => `₹${rupees(paise, true)}`;

/** @param {ParentNode} root @param {string} selector @returns {HTMLElement} */
function part(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no ${selector}`);
  return found;
}

/** Paise of an attribute of the server's; null where it is empty. @param {string | undefined} text */
const paiseIn = (text) => (text ? Number(text) : null);

/**
 * @param {HTMLElement} element the board: a form with a grid of places and a panel
 * @returns {() => void}
 */
export function mount(element) {
  const form = /** @type {HTMLFormElement} */ (part(element, "form"));
  const panel = part(element, "[data-panel]");
  const pad = part(panel, "[data-pad]");
  const publish = part(panel, "[data-publish]");
  const failed = part(panel, "[data-unpublished]");
  const words = /** @type {HTMLTemplateElement} */ (part(panel, "[data-words]"));
  const rows = [...element.querySelectorAll("[data-row]")].map(
    (row) => /** @type {HTMLInputElement[]} */ ([...row.querySelectorAll("[data-place]")]),
  );
  const places = rows.flat();
  const columns = [...element.querySelectorAll("[data-column]")].map(
    (head) => /** @type {HTMLElement} */ (head).dataset.column ?? "",
  );
  /** @type {HTMLInputElement | undefined} */
  let chosen;

  // --- What a place says -----------------------------------------------------------------------

  /** @param {HTMLInputElement} place */
  const rateOf = (place) => (place.value.trim() ? paiseOf(place.value) : null);
  /** What stands large while nothing is typed: a place that was not called today shows the slot's rate. @param {HTMLInputElement} place */
  const heroOf = (place) => paiseIn(place.dataset.now) ?? paiseIn(place.dataset.hero);
  /** @param {HTMLInputElement} place */
  const isEdited = (place) => place.value.trim() !== "";
  /** @param {HTMLInputElement} place */
  const boxOf = (place) => /** @type {HTMLElement} */ (place.parentElement);
  /** @param {HTMLInputElement} place */
  const rowOf = (place) => /** @type {HTMLElement} */ (place.closest("[data-row]"));

  /** A rate to be asked about, unless the answer is known already. @param {HTMLInputElement} place */
  function isDoubtful(place) {
    const rate = rateOf(place);
    const usual = paiseIn(place.dataset.usual);
    if (rate === null || !usual || !isFar(rate, usual)) return false;
    const today = "today" in place.dataset ? paiseIn(place.dataset.now) : null;
    if (today && !isFar(rate, today)) return false;
    return ![...form.querySelectorAll("input[name=sure]")].some(
      (input) => input instanceof HTMLInputElement && input.value === `${place.name}=${place.value.trim()}`,
    );
  }

  /** +₹40, −₹20, or nothing to say. @param {HTMLInputElement} place */
  function changeOf(place) {
    const rate = rateOf(place);
    const before = heroOf(place);
    if (rate === null || before === null || rate === before) return "";
    return `${rate > before ? "+" : "−"}${shown(Math.abs(rate - before))}`;
  }

  /** What the large rate is: as the server says it, while typing the column it will stand in. @param {HTMLInputElement} place */
  function whereOf(place) {
    if (!isEdited(place) && place.dataset.where) return place.dataset.where;
    return columns[(rows.find((row) => row.includes(place)) ?? []).indexOf(place)] ?? "";
  }

  /** Yesterday and the seven days, as sentences of the server's. @param {HTMLInputElement} place */
  const pastOf = (place) => [...part(boxOf(place), "[data-past]").cloneNode(true).childNodes];

  // --- Showing ---------------------------------------------------------------------------------

  /** @param {HTMLInputElement} place */
  function showPlace(place) {
    const chip = part(boxOf(place), "[data-chip]");
    const change = changeOf(place);
    chip.textContent = change;
    chip.hidden = !change;
    chip.classList.toggle("change--down", change.startsWith("−"));
    place.toggleAttribute("data-doubt", isDoubtful(place));
  }

  function showPanel() {
    if (!chosen) return;
    const row = rowOf(chosen);
    const rate = rateOf(chosen);
    const before = heroOf(chosen);
    part(panel, "h2").textContent = part(row, "[data-name]").textContent;
    part(panel, "[data-where]").textContent = whereOf(chosen);
    part(panel, "[data-unit]").textContent = `/ ${row.dataset.unit}`;
    part(panel, "[data-hero]").textContent = isEdited(chosen)
      ? `₹${rate === null ? chosen.value : rupees(rate, true)}`
      : before === null
        ? "–"
        : shown(before);
    const picture = row.querySelector("svg");
    if (picture) {
      const large = /** @type {SVGElement} */ (picture.cloneNode(true));
      large.classList.remove("flower--small");
      part(panel, "[data-picture]").replaceChildren(large);
    }
    const past = pastOf(chosen);
    part(panel, ".chosen__figures [data-past]").replaceChildren(...past);
    const range = boxOf(chosen).querySelector(".range")?.cloneNode(true);
    part(panel, "[data-range]").replaceChildren(...(range ? [range] : []));
    if (range instanceof SVGElement && rate !== null) moveDot(range, rate);
    const change = changeOf(chosen);
    part(panel, "[data-old]").textContent = change && before !== null ? shown(before) : "";
    const chip = part(panel, "[data-chip]");
    chip.textContent = change;
    chip.hidden = !change;
    chip.classList.toggle("change--down", change.startsWith("−"));
    panel.toggleAttribute("data-doubt", isDoubtful(chosen));
    const step = shown(stepped(before ?? 0, 1) - (before ?? 0));
    part(pad, "[data-key=up]").textContent = `+${step}`;
    part(pad, "[data-key=down]").textContent = `−${step}`;
  }

  /** Puts the dot where the typed rate lies on the picture's scale, at its end where it lies outside. @param {SVGElement} range @param {number} rate */
  function moveDot(range, rate) {
    const low = Number(range.dataset.low);
    const high = Number(range.dataset.high);
    const share = high > low ? (rate - low) / (high - low) : rate < low ? -1 : rate > high ? 2 : 0.5;
    const dot =
      range.querySelector(".range__now") ??
      range.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "circle"));
    dot.setAttribute("class", "range__now range__now--new");
    dot.setAttribute("cx", `${Math.min(97, Math.max(3, 6 + 88 * share)).toFixed(1)}%`);
    dot.setAttribute("cy", "50%");
    dot.setAttribute("r", "8");
  }

  function showPublish() {
    const count = places.filter(isEdited).length;
    const { none = "", one = "", many = "" } = publish.dataset;
    publish.textContent = count === 0 ? none : count === 1 ? one : many.replace("{count}", String(count));
    publish.setAttribute("aria-disabled", String(count === 0));
  }

  function show() {
    for (const place of places) showPlace(place);
    showPanel();
    showPublish();
  }

  // --- Choosing and typing ---------------------------------------------------------------------

  /** @param {HTMLInputElement} place */
  function choose(place) {
    chosen = place;
    chosenName = place.name;
    for (const each of places) boxOf(each).classList.toggle("place__box--chosen", each === place);
    for (const row of element.querySelectorAll("[data-row]"))
      row.classList.toggle("grid__chosen", row === rowOf(place));
    const flower = rowOf(place).querySelector("[data-flower]");
    const hidden = form.elements.namedItem("flower");
    if (flower instanceof HTMLElement && hidden instanceof HTMLInputElement)
      hidden.value = flower.dataset.flower ?? "";
    showPanel();
  }

  /** Moves over the grid; at its edge it stays. @param {number} down @param {number} right */
  function move(down, right) {
    const y = rows.findIndex((row) => chosen && row.includes(chosen));
    const row = rows[Math.min(rows.length - 1, Math.max(0, y + down))];
    const x = chosen ? (rows[y]?.indexOf(chosen) ?? 0) : 0;
    row?.[Math.min(row.length - 1, Math.max(0, x + right))]?.focus();
  }

  /** @param {string} key */
  function press(key) {
    if (!chosen) places[0]?.focus();
    if (!chosen) return;
    if (key === "next") {
      move(1, 0);
      return;
    }
    if (key === "up" || key === "down") {
      const from = rateOf(chosen) ?? heroOf(chosen) ?? 0;
      const rate = from + (key === "up" ? 1 : -1) * (stepped(heroOf(chosen) ?? 0, 1) - (heroOf(chosen) ?? 0));
      chosen.value = rate > 0 ? rupees(rate, true).replaceAll(",", "") : "0";
    } else chosen.value = typed(chosen.value, key);
    if (document.activeElement !== chosen) chosen.focus();
    changed(chosen);
  }

  /** @param {HTMLInputElement} place */
  function changed(place) {
    failed.hidden = true;
    dismiss();
    showPlace(place);
    if (place === chosen) showPanel();
    showPublish();
  }

  // --- Asking ----------------------------------------------------------------------------------

  function dismiss() {
    panel.querySelector("[data-question]")?.remove();
    pad.hidden = false;
    publish.hidden = false;
  }

  /** The question stands where the keypad was; both answers say what they do. @param {HTMLInputElement} place */
  function ask(place) {
    const rate = rateOf(place);
    const usual = paiseIn(place.dataset.usual);
    if (rate === null || usual === null) return;
    choose(place);
    dismiss();
    const question = part(/** @type {DocumentFragment} */ (words.content.cloneNode(true)), ".question");
    question.dataset.question = "";
    /** @param {string | undefined} sentence @param {string} figure */
    const say = (sentence, figure) =>
      (sentence ?? "")
        .replace("{rate}", figure)
        .replace("{flower}", part(rowOf(place), "[data-name]").textContent ?? "");
    const title = say(words.dataset.title, shown(rate));
    part(question, "[data-title]").textContent = title;
    question.setAttribute("aria-label", title);
    part(question, "[data-past]").replaceChildren(...pastOf(place));
    const right = {
      paise: /** @type {number | null} */ (rate),
      words: say(words.dataset.right, shown(rate)),
    };
    const meant = meantBy(rate, usual);
    const now = paiseIn(place.dataset.now);
    const answers =
      meant !== null
        ? [{ paise: meant, words: say(words.dataset.change, shown(meant)) }, right]
        : [
            right,
            {
              paise: null,
              words: now === null ? (words.dataset.again ?? "") : say(words.dataset.keep, shown(now)),
            },
          ];
    question.querySelectorAll("button").forEach((button, index) => {
      const answer = answers[index];
      if (!answer) return;
      part(button, "b").textContent =
        answer.paise !== null ? shown(answer.paise) : now === null ? "–" : shown(now);
      part(button, "span").textContent = answer.words;
      button.addEventListener("click", () => settle(place, answer.paise));
    });
    pad.hidden = true;
    publish.hidden = true;
    pad.before(question);
    question.focus();
  }

  /** Takes the answer and goes on publishing, if anything is left to publish. @param {HTMLInputElement} place @param {number | null} paise */
  function settle(place, paise) {
    place.value = paise === null ? "" : rupees(paise, true).replaceAll(",", "");
    if (paise !== null) {
      const sure = document.createElement("input");
      sure.type = "hidden";
      sure.name = "sure";
      sure.value = `${place.name}=${place.value}`;
      form.append(sure);
    }
    changed(place);
    if (places.some(isEdited)) form.requestSubmit(/** @type {HTMLButtonElement} */ (publish));
    else place.focus();
  }

  // --- What happens ----------------------------------------------------------------------------

  /** @param {Event} event */
  function onFocus(event) {
    if (event.target instanceof HTMLInputElement && places.includes(event.target)) choose(event.target);
  }

  /** @param {Event} event */
  function onInput(event) {
    if (event.target instanceof HTMLInputElement && places.includes(event.target)) changed(event.target);
  }

  const MOVES = /** @type {Record<string, [number, number]>} */ ({
    ArrowDown: [1, 0],
    ArrowUp: [-1, 0],
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
    Enter: [1, 0],
  });

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (!(event.target instanceof HTMLInputElement) || !places.includes(event.target)) return;
    if (event.isComposing || event.altKey || event.metaKey) return;
    const way = MOVES[event.key];
    if (way && !(event.ctrlKey && event.key === "Enter")) {
      event.preventDefault();
      move(...way);
    } else if (event.key === "Enter") {
      event.preventDefault();
      form.requestSubmit(/** @type {HTMLButtonElement} */ (publish));
    } else if (event.key === "Escape") {
      event.target.value = "";
      changed(event.target);
    }
  }

  /** Keys act when the finger comes down; the chosen place keeps the focus. @param {Event} event */
  function onPointer(event) {
    const key = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (!(key instanceof HTMLElement)) return;
    event.preventDefault();
    press(key.dataset.key ?? "");
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const target = event.target instanceof Element ? event.target : null;
    const key = target?.closest("[data-key]");
    // A click without a pointer comes from a keyboard or a screen reader.
    if (key instanceof HTMLElement && event.detail === 0) press(key.dataset.key ?? "");
    const flower = target?.closest("[data-flower]");
    if (flower) {
      event.preventDefault();
      const first = flower.closest("[data-row]")?.querySelector("[data-place]");
      if (first instanceof HTMLElement) first.focus();
    }
  }

  /** @param {Event} event */
  function onSubmit(event) {
    const submitter = /** @type {SubmitEvent} */ (event).submitter;
    const isAnswer = submitter instanceof HTMLButtonElement && submitter.name === "answer";
    const doubtful = isAnswer ? undefined : places.find(isDoubtful);
    if (!isAnswer && (doubtful || !places.some(isEdited))) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (doubtful) ask(doubtful);
      else (chosen ?? places[0])?.focus();
      return;
    }
    hasPublished = true;
  }

  /** @param {Event} event */
  function onFailure(event) {
    if (event.target !== form) return;
    event.stopPropagation();
    hasPublished = false;
    failed.hidden = false;
    publish.hidden = false;
  }

  /** Another time to publish from is typed. */
  function isLater() {
    const from = form.elements.namedItem("effective_from");
    return from instanceof HTMLInputElement && from.value !== "";
  }

  /** A fresh board never takes away what is being typed. @param {Event} event */
  function hold(event) {
    const isBusy = places.some(isEdited) || element.contains(document.activeElement) || isLater();
    if (event.target === element && isBusy) event.preventDefault();
  }

  for (const place of places) place.inputMode = "none";
  pad.hidden = panel.querySelector("[data-question]") !== null;
  publish.hidden = pad.hidden;
  const first = element.querySelector(".grid__chosen [data-place]");
  choose(places.find((place) => place.name === chosenName) ?? /** @type {HTMLInputElement} */ (first));
  show();
  if (hasPublished) {
    hasPublished = false;
    const told = document.querySelector("[data-news], [data-question], .error-summary");
    if (told instanceof HTMLElement) told.focus();
  }
  const listening = new AbortController();
  const { signal } = listening;
  element.addEventListener("focusin", onFocus, { signal });
  element.addEventListener("input", onInput, { signal });
  element.addEventListener("keydown", onKey, { signal });
  pad.addEventListener("pointerdown", onPointer, { signal });
  element.addEventListener("click", onClick, { signal });
  element.addEventListener("submit", onSubmit, { capture: true, signal });
  for (const name of ["htmx:beforeRequest", "htmx:beforeSwap"])
    element.addEventListener(name, hold, { signal });
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"])
    element.addEventListener(name, onFailure, { signal });
  return () => listening.abort();
}
