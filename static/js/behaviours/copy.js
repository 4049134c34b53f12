/**
 * A button that copies the field beside it and says so. Hidden where the browser has no clipboard
 * (plain http in the shop's network): the field can still be selected and copied by hand.
 *
 * @param {HTMLElement} element holds an input and a `[data-copy]` button whose data-copied is the word afterwards
 * @returns {undefined}
 */
export function mount(element) {
  const field = element.querySelector("input");
  const button = element.querySelector("[data-copy]");
  if (!field || !(button instanceof HTMLButtonElement)) return;
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied ?? "";
  });
}
