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

// Both stand for the page and for any element that wears a theme of its own.
const themes = { day: tokens(':root,\n[data-theme="day"]'), dim: tokens('\n  [data-theme="dim"]') };

test("dim by the system's wish and dim by choice are the same", () => {
  assert.deepEqual(tokens(":root:not([data-theme])"), themes.dim);
});

test("dim says every colour anew", () => {
  assert.deepEqual(Object.keys(themes.dim), Object.keys(themes.day));
  assert.ok(Object.keys(themes.day).length > 30);
});

/** What is written on what. Whoever writes on something new adds it here. @type {[string, string][]} */
const TEXT = [
  ["ink", "paper"],
  ["ink", "surface"],
  ["ink", "sunken"],
  ["ink", "key"],
  ["ink", "leaf-soft"],
  ["ink", "wait-fill"],
  ["ink", "error-fill"],
  ["ink-2", "paper"],
  ["ink-2", "surface"],
  ["ink-2", "sunken"],
  ["ink-2", "leaf-soft"],
  ["on-leaf", "leaf"],
  ["leaf-ink", "on-leaf"],
  ["leaf-ink", "on-plate"],
  ["on-plate", "plate"],
  ["on-plate-2", "plate"],
  ["on-action", "action"],
  ["wait", "surface"],
  ["wait", "wait-fill"],
  ["error", "surface"],
  ["error", "error-fill"],
  ["ok", "surface"],
  ["on-ok", "ok-fill"],
  ["link", "surface"],
  ["link", "paper"],
];

/** What is drawn on what and must be seen: edges of what can be tapped, the ring of the focus, icons. @type {[string, string][]} */
const OUTLINES = [
  ["edge", "paper"],
  ["edge", "surface"],
  ["edge", "sunken"],
  ["edge", "key"],
  ["wait-edge", "surface"],
  ["wait-edge", "wait-fill"],
  ["error", "surface"],
  ["ok", "leaf-soft"],
  ["ok", "paper"],
  ["focus", "paper"],
  ["focus", "surface"],
  ["action", "plate"],
];

for (const [theme, colours] of Object.entries(themes)) {
  test(`every text of ${theme} stands out 7 to 1`, () => {
    for (const [text, ground] of TEXT) {
      const ratio = contrast(colours[`--${text}`], colours[`--${ground}`]);
      assert.ok(ratio >= 7, `--${text} on --${ground}: ${ratio.toFixed(2)}`);
    }
  });

  test(`every outline of ${theme} stands out 3 to 1`, () => {
    for (const [line, ground] of OUTLINES) {
      const ratio = contrast(colours[`--${line}`], colours[`--${ground}`]);
      assert.ok(ratio >= 3, `--${line} on --${ground}: ${ratio.toFixed(2)}`);
    }
  });
}
