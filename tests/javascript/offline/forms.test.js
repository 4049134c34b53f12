import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { atNoon, bent, forgetAll, Malar, NOON, noNetwork, offline, page, rows, USER } from "./bench.js";

await import(/** @type {string} */ ("../../../static/js/offline/forms.js"));

const SHOP = "shop-1";
const RAJA = { id: "raja", number: 14, code: "F014", name_ta: "ராஜா" };
/** @type {Malar} */
let malar;
/** @type {any} */
let outbox;

beforeEach(async () => {
  atNoon();
  malar = new Malar();
  outbox = await page(malar);
  await outbox.device.put({ user: USER, shop: SHOP, at: NOON }, "session");
  await outbox.ledger.strict(["farmers", "meta"], async (/** @type {any} */ tx) => {
    offline.put(tx.objectStore("farmers"), RAJA);
    offline.put(tx.objectStore("meta"), { shop: { id: SHOP, turnover_hour: 13 } }, "ref");
  });
});
afterEach(forgetAll);

const MONEY = { id: "money-1", key: "key-1", farmer: "14", kind: "hand_loan", amount: "1,250.50" };
const MORE = {
  mode: "",
  business_date: "2026-11-23",
  reference: "",
  note: " for seed ",
  csrfmiddlewaretoken: "t",
};
const FEE = {
  id: "fee-1",
  key: "key-2",
  farmer: "F014",
  fee: "coolie",
  quantity: "2",
  rate: "",
  business_date: "",
};

/** @param {Record<string, string>} typed @param {Record<string, string>} [mark] @returns {Promise<string>} */
function keep(typed, mark = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(typed)) form.set(name, value);
  const marks = { offline: "movement", by: USER.id, shop: SHOP, ...mark };
  return offline.keepForm(new URLSearchParams(marks), form);
}

test("a form of money is the counter's own operation, by the form's key", async () => {
  assert.equal(await keep({ ...MONEY, ...MORE }), "kept");
  const [{ payload, status, author_id }] = await rows(outbox);
  assert.deepEqual([status, author_id], ["queued", USER.id]);
  assert.deepEqual(
    [payload.op_id, payload.entity_id, payload.operation, payload.entity, payload.seq],
    ["key-1", "money-1", "CREATE", "movement", 1],
  );
  assert.deepEqual(payload.set, {
    farmer: "raja",
    kind: "hand_loan",
    amount: "1250.50",
    business_date: "2026-11-23",
    mode: "cash",
    reference: "",
    note: "for seed",
  });
  const [row] = await outbox.entries(["money-1"]);
  assert.deepEqual(
    [row.entity, row.farmer_id, row.total, row.facts],
    ["movement", "raja", "1250.50", payload.set],
  );
});

test("a fee without a date is of the shop's own day, which turns over at its hour", async () => {
  assert.equal(await keep(FEE, { offline: "charge" }), "kept");
  const [{ payload }] = await rows(outbox);
  assert.equal(payload.set.business_date, "2026-11-22"); // noon, and the day begins at one
  assert.deepEqual([payload.set.quantity, payload.set.rate, payload.set.fee], ["2", null, "coolie"]);
});

test("what was kept goes to the server with the rest", async () => {
  await keep({ ...MONEY, ...MORE });
  await outbox.drain();
  assert.deepEqual(
    malar.batches((op) => op.op_id),
    [["key-1"]],
  );
  assert.deepEqual(await outbox.waiting(), []);
});

test("the same form twice is one operation, also after the server has it; with other words it is none", async () => {
  malar.always = noNetwork;
  assert.equal(await keep({ ...MONEY, ...MORE }), "kept");
  assert.equal(await keep({ ...MONEY, ...MORE }), "kept");
  assert.equal(await keep({ ...MONEY, ...MORE, amount: "9" }), "other");
  assert.equal((await rows(outbox)).length, 1);
  malar.always = null;
  await outbox.drain({ isNewRound: true });
  assert.equal(await keep({ ...MONEY, ...MORE }), "kept");
  assert.deepEqual(malar.batches((op) => op.set.amount).at(-1), ["1250.50"]);
  assert.equal((await rows(outbox)).length, 1);
});

for (const farmer of ["14", "014", "௧௪", "f014", "14 Raja P."])
  test(`"${farmer}" is farmer 14`, async () => {
    assert.equal(await keep({ ...MONEY, ...MORE, farmer }), "kept");
    assert.equal((await rows(outbox))[0].payload.set.farmer, "raja");
  });

for (const [typed, plain] of [
  ["500", "500"],
  [" 1,250.75 ", "1250.75"],
  ["1,250", "1250"],
  ["1,25,000", "125000"],
  ["12,5", "12.5"],
  ["௫௦௦", "500"],
  [".5", "0.5"],
  ["12.", "12"],
])
  test(`₹ "${typed}" are ${plain}`, async () => {
    assert.equal(await keep({ ...MONEY, ...MORE, amount: typed }), "kept");
    assert.equal((await rows(outbox))[0].payload.set.amount, plain);
  });

/** @type {[string, string, Record<string, string>, Record<string, string>?][]} */
const REFUSED = [
  ["nobody has the number", "number", { farmer: "999" }],
  ["no farmer", "number", { farmer: "" }],
  ["no amount", "figure", { amount: "" }],
  ["nothing", "figure", { amount: "0.00" }],
  ["less than nothing", "figure", { amount: "-5" }],
  ["a word", "figure", { amount: "1e3" }],
  ["an older book's figure, which is the owner's", "nobody", { kind: "opening_balance" }],
  ["no kind", "nobody", { kind: "" }],
  ["a form without a key", "nobody", { key: "" }],
  ["a page of somebody else's", "nobody", {}, { by: "meena" }],
  ["a page of another shop's", "nobody", {}, { shop: "shop-2" }],
  ["a form that means nothing here", "nobody", {}, { offline: "constructor" }],
];
for (const [what, answer, typed, mark] of REFUSED)
  test(`${what}: it is not kept`, async () => {
    assert.equal(await keep({ ...MONEY, ...MORE, ...typed }, mark), answer);
    assert.deepEqual(await rows(outbox), []);
    assert.deepEqual(await outbox.entries(["money-1"]), []);
  });

test("whoever signed out, or was here yesterday, keeps nothing here", async () => {
  await outbox.device.put({ user: USER, shop: SHOP, at: NOON - 19 * 3_600_000 }, "session");
  assert.equal(await keep({ ...MONEY, ...MORE }), "nobody");
  await outbox.device.disk.strict(["device"], (/** @type {any} */ tx) =>
    tx.objectStore("device").delete("session"),
  );
  assert.equal(await keep({ ...MONEY, ...MORE }), "nobody");
  assert.deepEqual(await rows(outbox), []);
});

test("a full disk is said, and nothing is half there", async () => {
  bent("put", ({ name }) => {
    if (name === "daily_entries") throw new DOMException("full", "QuotaExceededError");
  });
  assert.equal(await keep({ ...MONEY, ...MORE }), "disk");
  assert.deepEqual(await rows(outbox), []);
});
