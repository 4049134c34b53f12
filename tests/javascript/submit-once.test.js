import assert from "node:assert/strict";
import { test } from "node:test";
import { mount } from "../../static/js/behaviours/submit-once.js";

/** A form as far as the behaviour knows it: events, and one button. */
class FakeForm extends EventTarget {
  attributes = new Map();
  button = {
    /** @param {string} name @param {string} value */
    setAttribute: (name, value) => this.attributes.set(name, value),
  };
  querySelectorAll() {
    return [this.button];
  }
}

/** @returns {{ form: FakeForm, page: EventTarget, submit: () => boolean }} */
function mounted() {
  const form = new FakeForm();
  const page = new EventTarget();
  Object.assign(globalThis, { window: page });
  mount(/** @type {any} */ (form));
  return { form, page, submit: () => form.dispatchEvent(new Event("submit", { cancelable: true })) };
}

test("the first tap goes out, the second does not", () => {
  const { form, submit } = mounted();
  assert.equal(submit(), true);
  assert.equal(form.attributes.get("aria-disabled"), "true");
  assert.equal(submit(), false);
});

test("a page that comes back by the back button can send again", () => {
  const { form, page, submit } = mounted();
  submit();
  page.dispatchEvent(new Event("pageshow"));
  assert.equal(form.attributes.get("aria-disabled"), "false");
  assert.equal(submit(), true);
});

test("after htmx has its answer the form can be sent again", () => {
  const { form, submit } = mounted();
  submit();
  form.dispatchEvent(new Event("htmx:afterRequest"));
  assert.equal(submit(), true);
});

test("taken down, it guards no more", () => {
  const form = new FakeForm();
  Object.assign(globalThis, { window: new EventTarget() });
  const teardown = mount(/** @type {any} */ (form));
  teardown();
  form.dispatchEvent(new Event("submit", { cancelable: true }));
  assert.equal(form.dispatchEvent(new Event("submit", { cancelable: true })), true);
});
