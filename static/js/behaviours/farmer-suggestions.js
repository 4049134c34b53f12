/**
 * A name typed in one script is suggested in the other one when its field is left. What a person typed is
 * never touched: a suggestion only goes where nothing was typed, and only replaces an earlier suggestion.
 * The suggestions come with the server's other hints, as `[data-suggested-for]`.
 *
 * @param {HTMLElement} element holds the fields
 * @returns {() => void}
 */
export function mount(element) {
  const SOURCES = {
    name_ta: "name_en",
    name_en: "name_ta",
    village_ta: "village_en",
    village_en: "village_ta",
  };
  /** What was put into a field by us, by its name. @type {Map<string, string>} */
  const ours = new Map();
  /** Where somebody typed, even if he emptied it again. @type {Set<string>} */
  const typed = new Set();

  /** @param {string} name */
  const field = (name) => /** @type {HTMLInputElement | null} */ (element.querySelector(`[name="${name}"]`));

  /** @param {string} name @param {boolean} isOurs */
  const mark = (name, isOurs) => {
    field(name)?.classList.toggle("is-suggested", isOurs);
    const hint = element.querySelector(`[data-hint-of="${name}"]`);
    if (hint) hint.textContent = isOurs ? (element.dataset.suggested ?? "") : "";
  };

  const offer = () => {
    for (const [name, source] of Object.entries(SOURCES)) {
      const input = field(name);
      const said = element.querySelector(`[data-suggested-for="${name}"]`);
      const text = said instanceof HTMLElement ? (said.dataset.text ?? "") : "";
      if (!input || document.activeElement === field(source)) continue;
      if (ours.has(source) || typed.has(name)) continue;
      if (input.value !== (ours.get(name) ?? "") || input.value === text) continue;
      input.value = text;
      if (text) ours.set(name, text);
      else ours.delete(name);
      mark(name, Boolean(text));
    }
  };
  /** @param {Event} event */
  const note = (event) => {
    const { name } = /** @type {HTMLInputElement} */ (event.target);
    typed.add(name);
    if (ours.delete(name)) mark(name, false);
  };
  // Where the focus goes is known only after the field has lost it.
  const left = () => queueMicrotask(offer);

  element.addEventListener("input", note);
  element.addEventListener("focusout", left);
  element.addEventListener("htmx:oobAfterSwap", offer);
  offer();
  return () => {
    element.removeEventListener("input", note);
    element.removeEventListener("focusout", left);
    element.removeEventListener("htmx:oobAfterSwap", offer);
  };
}
