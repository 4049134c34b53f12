import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { find, makeIndex } from "../../../static/js/counter/search.js";

/** @param {string} path @returns {any} */
const read = (path) => JSON.parse(readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8"));

const table = read("malar/kernel/sound.json");
const parts = read("tests/names/parts.json");

/**
 * @typedef {import("../../../static/js/counter/search.js").Farmer} Farmer
 * @param {number} number @param {string} name_ta @param {string} name_en @param {Partial<Farmer>} [more]
 * @returns {Farmer}
 */
function person(number, name_ta, name_en, more) {
  const code = `F${String(number).padStart(3, "0")}`;
  const blank = { village_ta: "", village_en: "", phone_last4: "", is_active: true, last_seen: null };
  return { id: `id-${number}`, number, code, name_ta, name_en, ...blank, ...more };
}

/**
 * The same farmers as tests/names/__init__.py makes.
 * @param {number} size @param {[string, string][]} pairs @param {"ta" | "en"} knownIn @returns {Farmer[]}
 */
function crowd(size, pairs, knownIn) {
  const { initials, firsts, lasts, villages } = parts;
  /** @type {Farmer[]} */
  const people = [];
  /** @param {string} ta @param {string} en @param {[string, string]} village */
  const add = (ta, en, [village_ta, village_en]) =>
    people.push(person(people.length + 1, ta, en, { village_ta, village_en }));
  const firstOf = new Map([...pairs].reverse());
  for (const [ta, en] of firstOf) {
    add(knownIn === "ta" ? ta : "", knownIn === "en" ? en : "", villages[people.length % villages.length]);
  }
  const taken = new Set(pairs.flat().map((name) => name.split(". ").pop()?.toLowerCase()));
  for (let n = 0; people.length < size; n++) {
    const first = firsts[n % firsts.length];
    const last = lasts[Math.floor(n / firsts.length) % lasts.length];
    const [ta, en] = [first[0] + last[0], first[1] + last[1]];
    if (taken.has(ta) || taken.has(en.toLowerCase())) continue;
    const initial = initials[(n * 7) % initials.length];
    const village = villages[(n * 5) % villages.length];
    add(n % 3 === 1 ? "" : `${initial[0]}. ${ta}`, n % 3 === 0 ? "" : `${initial[1]}. ${en}`, village);
  }
  return people;
}

for (const list of ["tuning_pairs.json", "unseen_pairs.json", "fresh_pairs.json"]) {
  for (const knownIn of /** @type {("ta" | "en")[]} */ (["ta", "en"])) {
    test(`of ${list}, 95 of 100 known only in ${knownIn} are among the first five of 2,000`, () => {
      /** @type {[string, string][]} */
      const pairs = read(`tests/names/${list}`).pairs;
      const index = makeIndex(crowd(2000, pairs, knownIn), table);
      const spelled = new Map([...pairs].reverse());
      const missed = pairs.filter(([ta, en]) => {
        const typed = knownIn === "ta" ? en : ta;
        const wanted = knownIn === "ta" ? ta : spelled.get(ta);
        const five = find(index, typed, { limit: 5 }).map(({ farmer }) => farmer.name_ta || farmer.name_en);
        return !five.includes(wanted ?? "");
      });
      assert.ok(
        missed.length <= pairs.length * 0.05,
        `${missed.length} of ${pairs.length}: ${missed.join(" ")}`,
      );
    });
  }
}

const shop = [
  person(1, "மு. முருகேசன்", "M. Murugesan", { village_ta: "வக்கம்பட்டி", village_en: "Vakkampatti" }),
  person(2, "க. கருப்பசாமி", "", { village_ta: "வெள்ளோடு", phone_last4: "4321" }),
  person(3, "", "K. Karuppaiah", { village_en: "Vellodu" }),
  person(14, "பெ. முருகேசன்", "P. Murugesan", { village_ta: "வெள்ளோடு", village_en: "Vellodu" }),
  person(20, "கா. அப்துல் ரகுமான்", "", { last_seen: "2026-11-20" }),
  person(143, "சே. முத்துலட்சுமி", "", { is_active: false }),
  person(207, "பழனிச்சாமி", ""),
  person(4321, "", "S. Pandiammal"),
];

/** The numbers found. @param {string} query @param {{limit?: number, recent?: string[]}} [options] */
const numbers = (query, options) =>
  find(makeIndex(shop, table), query, options).map(({ farmer }) => farmer.number);

/** @param {string} query */
const why = (query) => find(makeIndex(shop, table), query).map(({ farmer, why }) => [farmer.number, why]);

test("the beginning of a name finds it in the other script", () => {
  assert.deepEqual(numbers("kar").sort(), [2, 3]);
  assert.deepEqual(numbers("கரு").sort(), [2, 3]);
  assert.deepEqual(numbers("karuppas")[0], 2);
});

test("every letter on the way to a name keeps it among the found", () => {
  for (const [name, number] of /** @type {[string, number][]} */ ([
    ["Karuppasamy", 2],
    ["Pazhanisamy", 207],
    ["Abdulrahman", 20],
    ["பாண்டியம்மாள்", 4321],
  ])) {
    for (let length = 2; length <= name.length; length++) {
      const typed = name.slice(0, length);
      assert.ok(numbers(typed).includes(number), `${typed} → ${number}`);
    }
  }
});

test("a number finds its farmer first, then the numbers that begin so", () => {
  assert.deepEqual(why("14"), [
    [14, "number"],
    [143, "number"],
  ]);
  assert.deepEqual(numbers("௧௪"), [14, 143]);
  assert.deepEqual(numbers("014"), [14, 143]);
  assert.deepEqual(numbers("F014"), [14]);
});

test("four digits are a number before they are the end of a phone number", () => {
  assert.deepEqual(why("4321"), [
    [4321, "number"],
    [2, "phone"],
  ]);
});

test("an initial tells namesakes apart, before or after the name, in either script", () => {
  for (const typed of ["p murugesan", "Murugesan P.", "பெ முருகேசன்", "murugeshan பெ", "P.Murugesan"]) {
    assert.equal(numbers(typed)[0], 14, typed);
  }
  assert.equal(numbers("m. murukesan")[0], 1);
});

test("a village narrows a name, and alone finds its people", () => {
  assert.deepEqual(numbers("murugesan vellodu"), [14]);
  assert.deepEqual(why("vellodu"), [
    [2, "village"],
    [3, "village"],
    [14, "village"],
  ]);
});

test("words may be written together or apart", () => {
  assert.equal(numbers("abdulrahman")[0], 20);
  assert.equal(numbers("muthu lakshmi")[0], 143);
});

test("a slip of the finger still finds the name, as one that is only like it", () => {
  assert.deepEqual(why("karuppasany")[0], [2, "like"]);
});

test("a name as it is written comes before one that sounds so", () => {
  const pair = [person(1, "ஜோதி", ""), person(2, "", "Jothy"), person(3, "", "Jothi")];
  assert.deepEqual(
    find(makeIndex(pair, table), "jothi").map(({ farmer }) => farmer.number),
    [3, 1, 2],
  );
});

test("of equal matches those seen last come first, then by number", () => {
  const same = [
    person(1, "ராமன்", "", { last_seen: "2026-11-01" }),
    person(2, "ராமன்", "", { last_seen: "2026-11-20" }),
    person(3, "ராமன்", ""),
    person(4, "ராமன்", ""),
  ];
  /** @param {string[]} recent */
  const order = (recent) =>
    find(makeIndex(same, table), "raman", { recent }).map(({ farmer }) => farmer.number);
  assert.deepEqual(order([]), [2, 1, 3, 4]);
  assert.deepEqual(order(["id-4"]), [4, 2, 1, 3]);
});

test("who left comes after everybody who is active, unless his number is typed", () => {
  const two = [person(1, "ராமன்", "Raman", { is_active: false }), person(11, "ரமணி", "")];
  const index = makeIndex(two, table);
  assert.deepEqual(
    find(index, "raman").map(({ farmer }) => farmer.number),
    [11, 1],
  );
  assert.equal(find(index, "1")[0].farmer.number, 1);
});

test("nothing typed finds nobody, and no more are given than asked for", () => {
  assert.deepEqual(numbers(" . "), []);
  assert.equal(numbers("k", { limit: 1 }).length, 1);
});
