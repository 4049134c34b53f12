/**
 * A list on its way: the name of the chosen file in our own words (the browser's button speaks the device's
 * language), and its `[data-progress]` while it is being read or written, which takes some seconds.
 *
 * @param {HTMLElement} element a form
 * @returns {() => void}
 */
export function mount(element) {
  const file = element.querySelector("input[type=file]");
  const name = element.querySelector("[data-file-name]");
  element.classList.add("is-mounted");

  /** @param {boolean} busy */
  const show = (busy) => {
    for (const part of element.querySelectorAll("[data-progress]")) {
      part.toggleAttribute("hidden", !busy);
    }
  };
  const tell = () => {
    const chosen = file instanceof HTMLInputElement ? file.files?.[0] : null;
    if (name && chosen) name.textContent = chosen.name;
  };
  const start = () => show(true);
  const stop = () => {
    show(false);
    tell();
  };
  element.addEventListener("submit", start);
  element.addEventListener("change", tell);
  window.addEventListener("pageshow", stop);
  tell(); // a quick hand chose before this was loaded
  return () => {
    element.removeEventListener("submit", start);
    element.removeEventListener("change", tell);
    window.removeEventListener("pageshow", stop);
  };
}
