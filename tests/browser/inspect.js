/**
 * What a careful eye would find on the page that is open; run by the tests inside the page.
 *
 * Each function returns a list of sentences, empty where nothing is wrong.
 */
(() => {
  const shown = (/** @type {Element} */ element) => {
    if (element.closest(".visually-hidden, .vh, [hidden], [aria-hidden=true], [inert]")) return false;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    // A box of one pixel is how words for screen readers only are hidden, and the heads of tables on a phone.
    for (let around = element; around !== document.body; ) {
      const box = around.getBoundingClientRect();
      if (getComputedStyle(around).display !== "contents" && (box.width <= 1.5 || box.height <= 1.5))
        return false;
      if (!around.parentElement) break;
      around = around.parentElement;
    }
    return true;
  };
  const named = (/** @type {Element} */ element) =>
    `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}${[...element.classList].map((name) => `.${name}`).join("")} “${(element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40)}”`;

  /** What is shown and holds words itself. */
  const worded = () =>
    [...document.body.querySelectorAll("*")].filter(
      (element) =>
        shown(element) &&
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()),
    );

  /** The page, or a part of it that does not say so, is wider than the screen. A farmer's scrolls between two bars. */
  const tooWide = () => {
    const scrolled = [...document.querySelectorAll("main")].filter(
      (each) => getComputedStyle(each).overflowX !== "visible",
    );
    const wide = [document.documentElement, ...scrolled].find((each) => each.scrollWidth > each.clientWidth);
    if (!wide) return [];
    const { scrollWidth, clientWidth } = wide;
    const widest = [...document.body.querySelectorAll("*")]
      .filter((element) => shown(element) && element.getBoundingClientRect().right > clientWidth + 1)
      .slice(0, 3);
    return [`${scrollWidth} px in ${clientWidth}: ${widest.map(named).join(", ")}`];
  };

  /** Words that are cut off, by an ellipsis or by their box, or run over into the next column. */
  const cutOff = () => [...clipped(), ...spilt()];
  const spilt = () =>
    [...document.body.querySelectorAll("td, th, dd, dt")]
      .filter((cell) => shown(cell) && cell.scrollWidth > cell.clientWidth + 2)
      .map(named);
  const clipped = () =>
    worded()
      .filter((element) => {
        for (
          let box = element;
          box && box !== document.body;
          box = /** @type {Element} */ (box.parentElement)
        ) {
          const style = getComputedStyle(box);
          const clips = style.overflowX === "hidden" || style.overflowX === "clip";
          if (clips && box.scrollWidth > box.clientWidth + 1) return true;
          if (style.overflowX === "auto" || style.overflowX === "scroll") return false;
          if (clips) return false;
        }
        return false;
      })
      .map(named);

  /** What can be tapped and is smaller than 48 px one way or the other. A link inside a sentence may be. */
  const tooSmall = () =>
    [...document.body.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button]")]
      .filter((element) => !(element instanceof HTMLInputElement && element.type === "hidden"))
      .filter(shown)
      .filter((element) => {
        if (element.matches("a") && getComputedStyle(element).display === "inline") {
          const words = (element.parentElement?.textContent ?? "").trim();
          if (words.length > (element.textContent ?? "").trim().length + 8) return false;
        }
        // A tick or a dot is tapped by its label.
        const target = element.matches("input[type=radio], input[type=checkbox], input[type=file]")
          ? (element.closest("label") ?? document.querySelector(`label[for="${element.id}"]`) ?? element)
          : element;
        const box = target.getBoundingClientRect();
        return Math.min(box.width, box.height) < 47.5;
      })
      .map((element) => {
        const box = element.getBoundingClientRect();
        return `${named(element)} ${Math.round(box.width)}×${Math.round(box.height)}`;
      });

  /** Letters smaller than 16 px at the size the house is set in. A paper is shown in the size it is printed in. */
  const tooTiny = () =>
    worded()
      .filter(
        (element) =>
          !element.closest(".slip") && Number.parseFloat(getComputedStyle(element).fontSize) < 15.9,
      )
      .map((element) => `${named(element)} ${getComputedStyle(element).fontSize}`);

  /**
   * Latin words where a Tamil reader reads or hears Tamil: visible text, names and descriptions.
   * @param {string} allowed units and codes, as a regular expression of whole words
   */
  const latinWords = (allowed) => {
    const word = new RegExp(`^(?:${allowed})$`, "u");
    const found = new Set();
    /** @param {string | null | undefined} text @param {Element} element */
    const look = (text, element) => {
      if (element.closest("[lang]")?.getAttribute("lang") !== "ta") return;
      for (const each of (text ?? "").match(/[\p{Script=Latin}][\p{Script=Latin}\p{M}0-9@._+:/-]*/gu) ?? [])
        if (!word.test(each.replace(/[.:/-]+$/, ""))) found.add(`${each} in ${named(element)}`);
    };
    for (const element of [document.head.querySelector("title"), ...document.body.querySelectorAll("*")]) {
      if (!element || element.closest("script, style, template, noscript, code, svg defs")) continue;
      for (const node of element.childNodes)
        if (node.nodeType === Node.TEXT_NODE) look(node.textContent, element);
      for (const name of ["aria-label", "title", "alt", "placeholder", "aria-description", "data-label"])
        look(element.getAttribute(name), element);
    }
    return [...found];
  };

  return { tooWide, cutOff, tooSmall, tooTiny, latinWords };
})();
