import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { afterEach, test } from "node:test";

import { correct, forgetAll, json, Malar, noNetwork, offline, page, rows, sell } from "./bench.js";

await import(/** @type {string} */ ("../../../static/js/offline/seal.js"));
const { subtle } = webcrypto;
const PAIR = await subtle.generateKey(
  { name: "RSA-OAEP", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  true,
  ["encrypt", "decrypt"],
);
const SEAL = { kid: "k1", jwk: await subtle.exportKey("jwk", PAIR.publicKey) };
const FARMER = "Karuppasamy";

afterEach(forgetAll);

/** @param {string} said base64 */
const raw = (said) => Uint8Array.from(atob(said), (letter) => letter.charCodeAt(0));

/** What malar/sync/seal.py does. @param {any} row @param {any} [beside] */
async function opened({ box, op_id, seq, stream_id, author_id }, beside = {}) {
  const said = { op_id, seq, stream_id, author_id, ...beside };
  const key = await subtle.decrypt({ name: "RSA-OAEP" }, PAIR.privateKey, raw(box.key));
  const fresh = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const additionalData = new TextEncoder().encode(Object.values(said).join(" "));
  const content = await subtle.decrypt(
    { name: "AES-GCM", iv: raw(box.iv), additionalData },
    fresh,
    raw(box.data),
  );
  return JSON.parse(new TextDecoder().decode(content));
}

/** A tablet that has been told the key, with two sales of Kumar's that were not sent. @param {any} [about] */
async function twoUnsent(about = {}) {
  const malar = new Malar();
  const outbox = await page(malar, about);
  await outbox.device.put(SEAL, "seal");
  await sell(outbox, { set: { note: FARMER } });
  await sell(outbox, { set: { note: FARMER } });
  return { malar, outbox };
}

/** @param {any} device @returns {Promise<any[]>} */
async function boxes(device) {
  const all = await device.disk.read(["sealed"], (/** @type {any} */ tx) =>
    tx.objectStore("sealed").getAll(),
  );
  return all.sort((/** @type {any} */ one, /** @type {any} */ other) => one.seq - other.seq);
}

/** All that any script could read. */
async function everything() {
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const db = await new Promise((go) => {
      const asked = indexedDB.open(name ?? "");
      asked.onsuccess = () => go(asked.result);
    });
    for (const store of db.objectStoreNames) {
      const all = await new Promise((go) => {
        const asked = db.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => go(asked.result);
      });
      found.push(JSON.stringify(all));
    }
    db.close();
  }
  return found.join("\n");
}

/** The server's answer to boxes, and what it heard. @param {Malar} malar @param {(box: any) => any} judge */
function handing(malar, judge = () => ({ status: "applied" })) {
  /** @type {any[]} */
  const heard = [];
  const send = async (/** @type {string} */ address, /** @type {RequestInit} */ request) => {
    if (!address.includes("parked/")) return malar.send(address, request);
    const body = JSON.parse(String(request.body));
    heard.push({ body, headers: request.headers });
    return json({
      results: body.boxes.map((/** @type {any} */ box) => ({ op_id: box.op_id, ...judge(box) })),
    });
  };
  return { heard, send };
}

test("what is sealed can be read by the server and by nothing on the tablet", async () => {
  const { outbox } = await twoUnsent();
  assert.match(await everything(), new RegExp(FARMER));
  const before = (await rows(outbox)).map(({ payload }) => payload);
  assert.equal(await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device }), 2);
  assert.deepEqual(await outbox.waiting(), []);
  const said = await everything();
  for (const word of [FARMER, "12.500", "8000.00", "raja"]) assert.ok(!said.includes(word), word);
  const sealed = await boxes(outbox.device);
  assert.deepEqual(await Promise.all(sealed.map((row) => opened(row))), before);
  assert.deepEqual(
    sealed.map(({ op_id, seq, author_id }) => ({ op_id, seq, author_id })),
    before.map(({ op_id, seq }) => ({ op_id, seq, author_id: "kumar" })),
  );
  assert.equal(new Set(sealed.map(({ box }) => box.key)).size, 2);
});

test("nobody else can be put beside a box", async () => {
  const { outbox } = await twoUnsent();
  await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
  const [box] = await boxes(outbox.device);
  await assert.rejects(opened(box, { author_id: "meena" }));
  await assert.rejects(opened(box, { seq: 9 }));
});

test("numbers go on where they were after sealing", async () => {
  const { outbox } = await twoUnsent();
  await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
  await sell(outbox);
  assert.deepEqual(
    (await outbox.waiting()).map((/** @type {any} */ op) => op.seq),
    [3],
  );
});

test("without a key nothing is taken away", async () => {
  const outbox = await page(new Malar());
  await sell(outbox);
  assert.equal(await offline.canSeal(outbox.device), false);
  await assert.rejects(offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device }));
  assert.equal((await outbox.waiting()).length, 1);
  await outbox.device.put(SEAL, "seal");
  assert.equal(await offline.canSeal(outbox.device), true);
});

test("a tablet that dies between the box and the row has both", async () => {
  const { outbox } = await twoUnsent();
  const dying = {
    read: outbox.ledger.read.bind(outbox.ledger),
    strict: () => Promise.reject(new Error("dead")),
  };
  await assert.rejects(offline.seal({ user: "kumar", ledger: dying, device: outbox.device }), /dead/);
  assert.equal((await boxes(outbox.device)).length, 2);
  assert.equal((await outbox.waiting()).length, 2);
});

test("an answer that comes after sealing brings nothing back", async () => {
  const { malar, outbox } = await twoUnsent();
  malar.faults.push(async (apply) => {
    await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
    return apply();
  });
  await outbox.drain();
  assert.ok(!(await everything()).includes(FARMER));
  assert.deepEqual(await rows(outbox), []);
});

test("what the outbox was told to seal with is kept for when there is no network", async () => {
  const malar = new Malar();
  const hello = malar.hello.bind(malar);
  malar.atHello = async () => json({ ...(await hello().json()), seal: SEAL });
  const outbox = await page(malar);
  await sell(outbox);
  await outbox.drain();
  assert.deepEqual(await outbox.device.get("seal"), SEAL);
});

test("whoever signs in next hands the boxes in; each goes by its own answer", async () => {
  const { malar, outbox } = await twoUnsent();
  await correct(outbox, (await rows(outbox))[0].entity_id);
  await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
  malar.user = "meena";
  /** @type {{status: string, of?: string}[]} */
  const answers = [{ status: "applied" }, { status: "retry" }, { status: "parked" }];
  const { heard, send } = handing(malar, (box) => answers[box.seq - 1]);
  assert.equal(await offline.handIn({ send, device: outbox.device }), 1);
  assert.deepEqual(
    (await boxes(outbox.device)).map(({ seq }) => seq),
    [2],
  );
  const [{ body, headers }] = heard;
  assert.equal(headers["X-CSRFToken"], malar.csrf);
  assert.deepEqual(
    body.boxes.map((/** @type {any} */ box) => [box.seq, box.author_id]),
    [
      [1, "kumar"],
      [2, "kumar"],
      [3, "kumar"],
    ],
  );
  answers[1] = { status: "duplicate", of: "applied" };
  assert.equal(await offline.handIn({ send, device: outbox.device }), 0);
  // Nothing went as anybody's own.
  assert.deepEqual(malar.batches(), []);
});

for (const [what, answer] of /** @type {[string, any][]} */ ([
  ["no network", noNetwork],
  ["a hotel's page", () => new Response("<html>", { status: 200 })],
  ["answers without our mark", () => Response.json({ results: [{ op_id: "x", status: "applied" }] })],
  ["an answer about others", () => json({ results: [{ op_id: "x", status: "applied" }] })],
  ["a signed-out session", () => json({ code: "auth_required" }, 401)],
  ["a status nobody knows", () => json({ results: [{ status: "eaten" }] })],
]))
  test(`boxes stay after ${what}`, async () => {
    const { malar, outbox } = await twoUnsent();
    await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
    const send = async (/** @type {string} */ address, /** @type {RequestInit} */ request) =>
      address.includes("parked/") ? answer() : malar.send(address, request);
    assert.equal(await offline.handIn({ send, device: outbox.device }), 2);
    malar.isSignedIn = false;
    assert.equal(await offline.handIn({ send: malar.send, device: outbox.device }), 2);
  });

test("what is too much at once goes in halves", async () => {
  const { malar, outbox } = await twoUnsent();
  await sell(outbox);
  await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
  const { heard, send } = handing(malar);
  const narrow = async (/** @type {string} */ address, /** @type {RequestInit} */ request) =>
    address.includes("parked/") && JSON.parse(String(request.body)).boxes.length > 1
      ? json({ code: "too_large" }, 413)
      : send(address, request);
  assert.equal(await offline.handIn({ send: narrow, device: outbox.device }), 0);
  assert.deepEqual(
    heard.map(({ body }) => body.boxes.length),
    [1, 1, 1],
  );
});

test("what somebody left who never signed out is sealed and handed in, one's own is not", async () => {
  const { malar, outbox } = await twoUnsent();
  const mine = await page(malar, { user: "meena" });
  await sell(mine);
  malar.user = "meena";
  const { heard, send } = handing(malar);
  await offline.handOn({ user: "meena", send, device: outbox.device });
  assert.deepEqual(
    heard.flatMap(({ body }) => body.boxes.map((/** @type {any} */ box) => box.author_id)),
    ["kumar", "kumar"],
  );
  assert.deepEqual(await outbox.waiting(), []);
  assert.equal((await mine.waiting()).length, 1);
  assert.deepEqual(await boxes(outbox.device), []);
});

test("the file says first what it is, and holds all that is only here", async () => {
  const { outbox } = await twoUnsent();
  const other = await page(new Malar(), { user: "selvi" });
  await sell(other);
  await offline.seal({ user: "selvi", ledger: other.ledger, device: outbox.device });
  const file = await offline.fileOf({
    user: "kumar",
    shop: "shop-1",
    ledger: outbox.ledger,
    device: outbox.device,
  });
  assert.equal(Object.keys(file)[0], "what");
  assert.deepEqual(
    file.ops,
    (await rows(outbox)).map(({ payload }) => payload),
  );
  assert.equal(file.author_id, "kumar");
  assert.equal(file.boxes[0].author_id, "selvi");
  assert.deepEqual(
    (await rows(outbox)).map(({ status }) => status),
    ["queued", "queued"],
  );
});

test("somebody who was only on the tablet goes with what was sealed", async () => {
  const { outbox } = await twoUnsent();
  const set = { number: 300, name_ta: "மணி" };
  const who = { operation: "CREATE", entity: "farmer", entity_id: "mani", set, captured: {} };
  await outbox.record({ ...who, entry: set });
  assert.ok((await everything()).includes("மணி"));
  assert.equal(await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device }), 3);
  assert.ok(!(await everything()).includes("மணி"));
  const [, , sealed] = await boxes(outbox.device);
  assert.equal((await opened(sealed)).entity_id, "mani");
});

test("what is left of a former queue keeps its number and its queue, sealed or in a file", async () => {
  const { malar, outbox } = await twoUnsent();
  malar.faults = [noNetwork, () => json({ code: "stream_taken" }, 409), noNetwork];
  // Nor does the next try get through, which begins by itself.
  malar.always = noNetwork;
  await outbox.drain();
  await sell(outbox);
  await outbox.drain({ isNewRound: true });
  const [first, second, third] = await rows(outbox).then((all) =>
    all.sort((/** @type {any} */ one, /** @type {any} */ other) => one.seq - other.seq),
  );
  assert.deepEqual(
    [first, second, third].map(({ payload, stream }) => [payload.seq, Boolean(stream)]),
    [
      [1, true],
      [2, true],
      [1, false],
    ],
  );
  const file = await offline.fileOf({
    user: "kumar",
    shop: "s",
    ledger: outbox.ledger,
    device: outbox.device,
  });
  assert.deepEqual(
    [
      file.ops.map((/** @type {any} */ op) => op.op_id),
      file.boxes.map((/** @type {any} */ box) => box.stream_id),
    ],
    [[third.id], [first.stream, first.stream]],
  );
  await offline.seal({ user: "kumar", ledger: outbox.ledger, device: outbox.device });
  const sealed = new Map((await boxes(outbox.device)).map((box) => [box.op_id, box]));
  assert.deepEqual(
    [first, second, third].map(({ id }) => [sealed.get(id).seq, sealed.get(id).stream_id]),
    [
      [1, first.stream],
      [2, first.stream],
      [1, file.stream_id],
    ],
  );
  for (const box of sealed.values()) assert.equal((await opened(box)).seq, box.seq);
});
