import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../static/css/tokens.css", import.meta.url), "utf8");

/** The custom properties of the block that begins with `selector`. @param {string} selector */
function tokens(selector) {
  const start = css.indexOf(`${selector} {`);
  assert.notEqual(start, -1, selector);
  const block = css.slice(start, css.indexOf("}", start));
  return Object.fromEntries(
    [...block.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]),
  );
}

/** Relative luminance (WCAG 2). @param {string} hex */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} one @param {string} other */
function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const themes = { day: tokens(":root"), dim: tokens('[data-theme="dim"]') };

test("dim by the system's wish and dim by choice are the same", () => {
  assert.deepEqual(tokens(':root:not([data-theme="day"])'), themes.dim);
});

test("dim says every colour anew", () => {
  const colours = Object.keys(themes.day).filter((name) => /^(#|transparent)/.test(themes.day[name]));
  for (const name of colours) assert.ok(name in themes.dim, name);
});

const TEXT = [
  ["ink", "paper"],
  ["ink", "surface"],
  ["ink", "sunken"],
  ["ink-2", "paper"],
  ["ink-2", "surface"],
  ["ink-2", "sunken"],
  ["ink", "leaf-soft"],
  ["on-leaf", "leaf"],
  ["on-plate", "plate"],
  ["on-plate-2", "plate"],
  ["on-action", "action"],
  ["wait", "wait-fill"],
  ["error", "error-fill"],
  ["error", "surface"],
  ["on-ok", "ok-fill"],
  ["link", "surface"],
  ["link", "paper"],
];

for (const [theme, colours] of Object.entries(themes)) {
  test(`every text of ${theme} stands out 7 to 1`, () => {
    for (const [text, ground] of TEXT) {
      const ratio = contrast(colours[`--${text}`], colours[`--${ground}`]);
      assert.ok(ratio >= 7, `--${text} on --${ground}: ${ratio.toFixed(2)}`);
    }
  });

  test(`every outline of ${theme} stands out 3 to 1`, () => {
    for (const ground of ["paper", "surface"]) {
      assert.ok(contrast(colours["--edge"], colours[`--${ground}`]) >= 3, `--edge on --${ground}`);
    }
  });
}
