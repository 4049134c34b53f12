import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { mount } from "../../static/js/behaviours/quiet-refresh.js";

/** The page, and a part of it that refreshes; `touched` is what the reader's finger is in. */
class Page extends EventTarget {
  hidden = false;
  /** @type {unknown} */
  activeElement = null;
}

class Part extends EventTarget {
  refreshes = 0;

  constructor() {
    super();
    this.addEventListener("refresh", () => {
      this.refreshes += 1;
    });
  }

  /** @param {unknown} element */
  contains(element) {
    return element === "a field of it";
  }

  /** Whether a request that its hx-trigger starts now goes out. */
  asks() {
    return this.dispatchEvent(new Event("htmx:beforeRequest", { cancelable: true }));
  }
}

/** @type {Page} */
let page;
/** @type {Part} */
let part;

beforeEach(() => {
  page = new Page();
  globalThis.document = /** @type {any} */ (page);
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

test("nothing moves under the reader's finger", () => {
  page.activeElement = "a field of it";
  assert.equal(part.asks(), false);
});

test("coming back refreshes once, leaving does not", () => {
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(part.refreshes, 0);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  assert.equal(part.refreshes, 1);
});

test("a network that fails is not announced", () => {
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    const failure = new Event(name, { bubbles: true });
    part.dispatchEvent(failure);
    assert.equal(failure.cancelBubble, true);
  }
});
