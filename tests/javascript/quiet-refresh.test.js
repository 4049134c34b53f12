import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { mount } from "../../static/js/behaviours/quiet-refresh.js";

/** Something of the part: a folded piece, or a strip that scrolls. */
class Piece {
  open = false;
  scrollLeft = 0;

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }
}

/** The page, and a part of it that refreshes; `activeElement` is what the reader's finger is in. */
class Page extends EventTarget {
  hidden = false;
  /** @type {unknown} */
  activeElement = null;

  /** @param {string} id */
  getElementById(id) {
    return part.pieces.find((piece) => piece.id === id) ?? null;
  }
}

class Part extends EventTarget {
  refreshes = 0;
  /** @type {Record<string, string>} */
  dataset = {};
  pieces = [new Piece("more-farmers"), new Piece("table")];
  asOf = { textContent: "As of 5:30 am" };

  constructor() {
    super();
    this.addEventListener("refresh", () => {
      this.refreshes += 1;
    });
  }

  /** @param {unknown} element */
  contains(element) {
    return element instanceof Piece;
  }

  /** @param {string} _selector */
  querySelectorAll(_selector) {
    return this.pieces;
  }

  /** @param {string} _selector */
  querySelector(_selector) {
    return this.asOf;
  }

  /** Whether a request that its hx-trigger starts now goes out. */
  asks() {
    return this.dispatchEvent(new Event("htmx:beforeRequest", { cancelable: true }));
  }

  /** New figures arrive from an address. @param {string} address */
  receives(address) {
    const detail = { xhr: { responseURL: address } };
    const swaps = this.dispatchEvent(new CustomEvent("htmx:beforeSwap", { cancelable: true, detail }));
    if (!swaps) return;
    this.pieces = [new Piece("more-farmers"), new Piece("table")];
    this.dispatchEvent(new Event("htmx:afterSwap"));
  }
}

/** @type {Page} */
let page;
/** @type {Part} */
let part;
let reloads = 0;

beforeEach(() => {
  page = new Page();
  reloads = 0;
  globalThis.document = /** @type {any} */ (page);
  globalThis.location = /** @type {any} */ ({
    pathname: "/",
    reload: () => {
      reloads += 1;
    },
  });
  part = new Part();
  mount(/** @type {any} */ (part));
});

test("a part that somebody looks at refreshes", () => {
  assert.equal(part.asks(), true);
});

test("a hidden page asks for nothing", () => {
  page.hidden = true;
  assert.equal(part.asks(), false);
});

test("nothing moves under a focus that could not be found again", () => {
  page.activeElement = new Piece("");
  assert.equal(part.asks(), false);
  page.activeElement = new Piece("more-farmers");
  assert.equal(part.asks(), true);
});

test("coming back refreshes once, leaving does not", () => {
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(part.refreshes, 0);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(part.refreshes, 1);
});

test("what was opened stays open, what was scrolled stays so", () => {
  part.pieces[0].open = true;
  part.pieces[1].scrollLeft = 120;
  part.receives("https://malar.example/?seen=1");
  assert.deepEqual(
    part.pieces.map((piece) => [piece.id, piece.open, piece.scrollLeft]),
    [
      ["more-farmers", true, 0],
      ["table", false, 120],
    ],
  );
});

test("an answer without figures moves the time on", () => {
  part.dataset.stale = "";
  part.dispatchEvent(new CustomEvent("malar:unchanged", { detail: { value: "As of 5:45 am" } }));
  assert.equal(part.asOf.textContent, "As of 5:45 am");
  assert.equal("stale" in part.dataset, false);
});

test("a reader who is no longer signed in is not shown the sign-in inside the board", () => {
  part.pieces[0].open = true;
  part.receives("https://malar.example/accounts/login/?next=/");
  assert.equal(reloads, 1);
  assert.equal(part.pieces[0].open, true);
});

test("a network that fails is not announced, but the figures are called old", () => {
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    delete part.dataset.stale;
    const failure = new Event(name, { bubbles: true });
    part.dispatchEvent(failure);
    assert.equal(failure.cancelBubble, true);
    assert.equal(part.dataset.stale, "");
  }
});
