import assert from "node:assert/strict";
import { test } from "node:test";
import { mount } from "../../static/js/behaviours/print-page.js";

class Button extends EventTarget {
  hidden = true;
}

test("the button appears with the script and prints", () => {
  let printed = 0;
  Object.assign(globalThis, {
    window: {
      print: () => {
        printed += 1;
      },
    },
  });
  const button = new Button();
  const teardown = mount(/** @type {any} */ (button));
  assert.equal(button.hidden, false);
  button.dispatchEvent(new Event("click"));
  teardown();
  button.dispatchEvent(new Event("click"));
  assert.equal(printed, 1);
});
