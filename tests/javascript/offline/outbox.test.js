import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, mock, test } from "node:test";
import { decide } from "../../../static/js/counter/decide.js";
import {
  atNoon,
  bent,
  correct,
  forgetAll,
  json,
  Malar,
  NOON,
  noNetwork,
  offline,
  page,
  quiet,
  rows,
  sell,
  states,
  turn,
  undo,
} from "./bench.js";

/** @type {Malar} */
let malar;

beforeEach(() => {
  atNoon();
  malar = new Malar();
});
afterEach(forgetAll);

/** Nothing more fits into the store of entries. */
function aFullDisk() {
  bent("put", ({ name }) => {
    if (name === "daily_entries") throw new DOMException("full", "QuotaExceededError");
  });
}

// --- On the disk -----------------------------------------------------------------------------

test("what is vendored is what the package holds", () => {
  const read = (/** @type {string} */ path) => readFileSync(new URL(`../../../${path}`, import.meta.url));
  const ours = read("static/js/offline/idb.js");
  assert.deepEqual(ours, read("node_modules/idb/build/umd.js"));
  const sha256 = "84a1b83a821969a36592964874997757d8bde798dc1b89a5891391bd29e5c08c";
  assert.equal(createHash("sha256").update(ours).digest("hex"), sha256);
  assert.ok(read("docs/offline.md").includes(sha256));
});

test("entry, operation and number are one strict transaction, and it is complete before it is said", async () => {
  const outbox = await page(malar);
  /** @type {{stores: string[], mode: string, durability: string, isDone: boolean}[]} */
  const seen = [];
  bent(
    "transaction",
    () => {},
    (tx, [stores, mode, how]) => {
      const row = { stores, mode, durability: how?.durability, isDone: false };
      tx.addEventListener("complete", () => {
        row.isDone = true;
      });
      seen.push(row);
    },
  );
  await sell(outbox);
  const written = seen.filter(({ mode }) => mode === "readwrite");
  assert.deepEqual(written, [
    {
      stores: ["daily_entries", "sync_queue", "meta"],
      mode: "readwrite",
      durability: "strict",
      isDone: true,
    },
  ]);
  await outbox.drain();
  await outbox.device.put("x", "y");
  const loose = seen.filter(({ mode, durability }) => mode === "readwrite" && durability !== "strict");
  assert.deepEqual(loose, []);
});

test("a full disk leaves nothing half written, and says so", async () => {
  const outbox = await page(malar);
  aFullDisk();
  await assert.rejects(sell(outbox), { name: "QuotaExceededError" });
  mock.restoreAll();
  assert.deepEqual(await states(outbox), []);
  await sell(outbox);
  assert.deepEqual(
    (await rows(outbox)).map(({ seq }) => seq),
    [1],
  );
});

test("a connection that the system closed is opened once more", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  let closed = 0;
  bent("transaction", (db) => {
    if (!db.name.startsWith("ledger") || closed >= 1) return;
    closed += 1;
    db.close();
    db.dispatchEvent(new Event("close"));
  });
  await sell(outbox);
  assert.equal(closed, 1);
  assert.deepEqual(await states(outbox), ["queued", "queued"]);
  closed = -5;
  await assert.rejects(sell(outbox), { name: "InvalidStateError" });
});

test("an old page lets a newer version have the database, and says that it is old", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  let isTold = false;
  outbox.ledger.addEventListener("old", () => {
    isTold = true;
  });
  const newer = await new Promise((go, refuse) => {
    const asked = indexedDB.open(outbox.ledger.name, 2);
    asked.onsuccess = () => go(asked.result);
    asked.onblocked = refuse;
  });
  assert.equal(isTold, true);
  const kept = await new Promise((go) => {
    const asked = newer.transaction("sync_queue").objectStore("sync_queue").count();
    asked.onsuccess = () => go(asked.result);
  });
  assert.equal(kept, 1);
  newer.close();
});

test("a newer version takes five hundred operations over; one that it cannot read is marked, and kept", async (t) => {
  const outbox = await page(malar);
  for (let n = 0; n < 500; n += 1) await sell(outbox);
  const before = await rows(outbox);
  await outbox.close();
  t.after(() => offline.steps.ledger.splice(1));
  offline.steps.ledger.push((/** @type {any} */ _db, /** @type {any} */ tx) =>
    offline.eachRow(tx.objectStore("sync_queue"), (/** @type {any} */ row) => {
      if (row.seq === 250) throw new TypeError("It has no place for that.");
      return { ...row, lane: "new" };
    }),
  );
  const after = await rows(await page(malar, { user: outbox.user }));
  assert.equal(after.length, 500);
  assert.deepEqual(
    after.map(({ payload }) => payload),
    before.map(({ payload }) => payload),
  );
  assert.deepEqual(
    after.filter(({ lane }) => lane !== "new").map(({ seq, malformed }) => [seq, malformed]),
    [[250, true]],
  );
});

test("a step that fails leaves everything as it was, and the old version sends it", async (t) => {
  const outbox = await page(malar);
  await sell(outbox);
  await outbox.close();
  t.after(() => offline.steps.ledger.splice(1));
  offline.steps.ledger.push((/** @type {any} */ db) => {
    db.createObjectStore("half");
    throw new Error("It cannot go on.");
  });
  const again = await page(malar, { user: outbox.user });
  assert.deepEqual(
    (await rows(again)).map(({ status }) => status),
    ["queued"],
  );
  await sell(again);
  assert.equal((await rows(again)).length, 2);
});

test("two tabs on one disk never give one number twice", async () => {
  const [one, other] = [await page(malar), await page(malar)];
  await Promise.all(Array.from({ length: 20 }, (_, place) => sell(place % 2 ? one : other)));
  const seqs = (await rows(one)).map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    Array.from({ length: 20 }, (_, place) => place + 1),
  );
  assert.equal(new Set((await rows(one)).map(({ id }) => id)).size, 20);
});

test("the same entry twice is one operation, another one with its id is refused", async () => {
  const outbox = await page(malar);
  const said = { entity_id: "slip-1" };
  await sell(outbox, { said, set: { slip_number: "A1-2311-001" } });
  const again = await sell(outbox, { said, set: { slip_number: "A1-2311-002" } });
  assert.equal(again.facts.slip_number, "A1-2311-001");
  await assert.rejects(sell(outbox, { said, set: { gross_quantity: "13.000" } }), offline.Taken);
  assert.deepEqual(await states(outbox), ["queued"]);
});

test("slip numbers are the tablet's, whoever writes, and none is given twice", async () => {
  const device = new offline.Device();
  assert.equal(await device.slip("2026-03-06"), null);
  const { id } = await device.itself();
  await device.put({ id, series: "A1" }, "itself");
  const numbers = await Promise.all([
    device.slip("2026-03-06"),
    new offline.Device(device.disk).slip("2026-03-06"),
    device.slip("2026-03-07"),
  ]);
  assert.deepEqual(numbers, ["A1-0603-001", "A1-0603-002", "A1-0703-001"]);
  assert.equal((await device.itself()).id, id);
  await device.disk.close();
});

// --- Sent, and acknowledged --------------------------------------------------------------------

test("it is sent with who, where, when and how much waits; the answer is on the entry", async () => {
  malar.isDeviceKnown = false;
  const outbox = await page(malar);
  await outbox.device.put({ offset_ms: 250, rtt_ms: 80, at: NOON - 5000, jumps: 1 }, "clock");
  const { id } = await sell(outbox);
  await outbox.drain();
  assert.deepEqual(
    malar.asked.map(({ path }) => path),
    ["hello/", "device/", "ops/"],
  );
  const { headers, body } = malar.asked[2];
  const device = await outbox.device.itself();
  assert.equal(headers["X-Device-Id"], device.id);
  assert.equal(headers["X-CSRFToken"], "token-1");
  assert.equal(headers["X-Sync-Protocol"], "1");
  assert.match(headers["Idempotency-Key"], /^[0-9a-f-]{36}$/);
  assert.equal(device.series, "A1");
  const { ops, stream_id, ...frame } = body;
  assert.deepEqual(frame, {
    device_id: device.id,
    author_id: "kumar",
    clock: { offset_ms: 250, rtt_ms: 80, age_s: 5, jumps: 1 },
    queue: { pending: 1, stalled: 0, conflicts: 0, oldest_ms: NOON, last_seq: 1 },
  });
  const { op_id, ...op } = ops[0];
  assert.deepEqual(op, {
    seq: 1,
    v: 1,
    operation: "CREATE",
    entity: "daily_entry",
    entity_id: id,
    base_version: null,
    base: null,
    set: { farmer: "raja", flower: "malli", gross_quantity: "12.500" },
    captured: { device_ms: NOON, offset_ms: 0, unc_ms: 20, mono_ms: 1, boot: "b" },
    quoted: { rate: "640.00", slot: null },
    supersedes: null,
  });
  const [entry] = await outbox.entries([id]);
  assert.deepEqual(
    [entry.synced, entry.version, entry.sync_timestamp, entry.slip_number, entry.total],
    [true, 1, NOON, "S1-2311-001", "8000.00"],
  );
  assert.deepEqual(await states(outbox), []);
  assert.deepEqual(
    (await rows(outbox)).map(({ status, acked_at }) => [status, acked_at]),
    [["acked", NOON]],
  );
});

test("whatever is not our own answer about these operations is no answer", async () => {
  const said = (/** @type {() => Response} */ apply) => apply();
  const told = (/** @type {(body: any) => void} */ bend) => async (/** @type {() => Response} */ apply) => {
    const body = await said(apply).json();
    bend(body);
    return json(body);
  };
  const walls = [
    noNetwork,
    () => Response.json({ results: [] }),
    async (/** @type {() => Response} */ apply) => Response.json(await said(apply).json()),
    () => new Response("<html>Welcome</html>", { headers: { "Content-Type": "text/html" } }),
    () => new Response("<html>404</html>", { status: 404, headers: { "X-Sync-Protocol": "1" } }),
    () => new Response("{", { headers: { "X-Sync-Protocol": "1" } }),
    () => Response.redirect("http://192.0.2.1/portal"),
    () => json({}),
    () => json({ results: {} }),
    told((body) => {
      body.results[0].op_id = "another";
    }),
    told((body) => {
      body.results.push({ op_id: "more", status: "applied" });
    }),
    told((body) => {
      body.results[0].status = "done";
    }),
    () => json({ results: [] }),
  ];
  for (const wall of walls) {
    malar = new Malar();
    const outbox = await page(malar);
    await sell(outbox);
    malar.faults = [wall];
    await outbox.drain();
    const [op] = await outbox.waiting();
    assert.deepEqual([op?.status, op?.retry_count, op?.next_attempt], ["queued", 1, NOON + 1000], `${wall}`);
    const [entry] = await outbox.entries([op.entity_id]);
    assert.equal(entry.synced, false);
    await forgetAll();
    atNoon();
  }
});

test("the waits of a round are 1, 2, 4, 8 and 16 s; then it stalls, and is never dropped", async () => {
  malar.always = noNetwork;
  const outbox = await page(malar);
  await sell(outbox);
  await outbox.drain();
  for (let second = 0; second < 40; second += 1) await turn(1000);
  const tries = malar.asked.filter(({ path }) => path === "ops/").map(({ at }) => (at - NOON) / 1000);
  assert.deepEqual(tries, [0, 1, 3, 7, 15, 31]);
  assert.deepEqual(await states(outbox), ["stalled"]);
  const [op] = await outbox.waiting();
  assert.deepEqual([op.total_attempts, op.last_attempt, op.retry_count], [6, NOON + 31_000, 6]);
  await turn(3_600_000);
  assert.equal(malar.batches().length, 6);
  await outbox.drain({ isNewRound: true });
  assert.equal(malar.batches().length, 7);
  assert.deepEqual(
    (await outbox.waiting()).map((/** @type {any} */ { retry_count, total_attempts }) => [
      retry_count,
      total_attempts,
    ]),
    [[1, 7]],
  );
  malar.always = null;
  await turn(1000);
  assert.deepEqual(await states(outbox), []);
  assert.equal(malar.lines.size, 1);
});

test("of the tries of a round the first says that it failed, and the last", async () => {
  malar.always = noNetwork;
  const outbox = await page(malar);
  await sell(outbox);
  /** @type {number[]} */
  const said = [];
  outbox.addEventListener("change", () => said.push((Date.now() - NOON) / 1000));
  await outbox.drain();
  for (let second = 0; second < 40; second += 1) await turn(1000);
  assert.deepEqual(said, [0, 31]);
});

test("what is due within half a second goes with what goes now", async () => {
  malar.always = noNetwork;
  const outbox = await page(malar);
  for (const wait of [400, 200, 0]) {
    await sell(outbox);
    await outbox.drain();
    await turn(wait);
  }
  assert.deepEqual(malar.batches(), [[1], [2], [1, 3]]);
});

test("one hello that fails is a failure of all that are due, however many", async () => {
  malar.atHello = noNetwork;
  const outbox = await page(malar);
  for (let sold = 0; sold < 12; sold += 1) await sell(outbox);
  await outbox.drain();
  assert.equal(malar.asked.length, 1);
  const waiting = await outbox.waiting();
  assert.deepEqual([...new Set(waiting.map((/** @type {any} */ { retry_count }) => retry_count))], [1]);
});

test("a hello that fails is a failure of what it gated; one that succeeds begins a new round", async () => {
  malar.atHello = noNetwork;
  const outbox = await page(malar);
  await sell(outbox);
  await outbox.drain();
  for (let second = 0; second < 32; second += 1) await turn(1000);
  assert.deepEqual(await states(outbox), ["stalled"]);
  assert.equal(malar.batches().length, 0);
  malar.atHello = null;
  await sell(outbox);
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  assert.equal(malar.lines.size, 2);
});

test("a body that never ends is broken off after 8 s, a hello after 4", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  const endless = () =>
    new Response(new ReadableStream({ start: (body) => body.enqueue(new TextEncoder().encode('{"re')) }), {
      headers: { "X-Sync-Protocol": "1" },
    });
  malar.faults = [endless];
  const drained = outbox.drain();
  await quiet();
  await turn(7999);
  assert.deepEqual(await states(outbox), ["sending"]);
  await turn(1);
  await drained;
  assert.deepEqual(await states(outbox), ["queued"]);

  malar = new Malar();
  malar.atHello = () => new Promise(() => {});
  const other = await page(malar, { user: "selvi" });
  await sell(other);
  const waits = other.drain();
  await quiet();
  await turn(3999);
  assert.equal((await other.waiting())[0].retry_count, 0);
  await turn(1);
  await waits;
  assert.equal((await other.waiting())[0].retry_count, 1);
});

test("an ended session, a stranger's, an old app and a blocked tablet spend no try", async () => {
  /** @type {[(server: Malar) => void, string][]} */
  const cases = [
    [
      (server) => {
        server.isSignedIn = false;
      },
      "signed_out",
    ],
    [
      (server) => {
        server.user = "meena";
      },
      "other",
    ],
    [
      (server) => {
        server.shop = "shop-2";
      },
      "other",
    ],
    [
      (server) => {
        server.min_protocol = 2;
      },
      "old",
    ],
    [
      (server) => {
        server.isBlocked = true;
      },
      "blocked",
    ],
    [
      (server) => {
        server.faults = [() => json({ code: "auth_required" }, 401)];
      },
      "signed_out",
    ],
    [
      (server) => {
        server.faults = [() => json({ code: "user_mismatch" }, 409)];
      },
      "other",
    ],
    [
      (server) => {
        server.faults = [() => json({ code: "not_allowed" }, 403)];
      },
      "signed_out",
    ],
    [
      (server) => {
        server.faults = [() => json({ code: "device_blocked" }, 403)];
      },
      "blocked",
    ],
    [
      (server) => {
        server.faults = [() => json({ code: "update_first", min_protocol: 2 }, 426)];
      },
      "old",
    ],
    [
      (server) => {
        server.faults = [() => json({ code: "malformed", pointer: "/ops" }, 400)];
      },
      "held",
    ],
  ];
  for (const [bend, obstacle] of cases) {
    malar = new Malar();
    bend(malar);
    const outbox = await page(malar);
    await sell(outbox);
    await outbox.drain();
    await turn(60_000);
    const [op] = await outbox.waiting();
    assert.deepEqual([outbox.obstacle, op.status, op.retry_count], [obstacle, "queued", 0], `${bend}`);
    assert.ok(malar.asked.length <= 2, "it does not ask again by itself");
    malar.isSignedIn = true;
    Object.assign(malar, { user: "kumar", shop: "shop-1", min_protocol: 1, isBlocked: false, faults: [] });
    await outbox.drain({ isNewRound: true });
    assert.deepEqual([outbox.obstacle, malar.lines.size], ["", 1], `${bend}`);
    await forgetAll();
    atNoon();
  }
});

test("a token that was renewed elsewhere is asked for once, and no try is spent", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  await outbox.drain();
  malar.csrf = "token-2";
  await sell(outbox);
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  assert.equal(malar.batches().length, 3);
  malar.always = () => json({ code: "csrf_failed" }, 403);
  await sell(outbox);
  await outbox.drain();
  assert.deepEqual([outbox.obstacle, (await outbox.waiting())[0].retry_count], ["held", 0]);
  assert.equal(malar.batches().length, 5);
});

test("a queue that is somebody else's begins anew at 1; what the server may have seen stays as it was sent", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  await outbox.drain();
  malar.faults = [(apply) => apply() && noNetwork()];
  const lost = await sell(outbox);
  await outbox.drain();
  assert.equal((await states(outbox)).length, 1);
  const { stream_id: former } = malar.asked.at(-1)?.body ?? {};
  const before = JSON.stringify((await outbox.waiting())[0].payload);
  const sold = [await sell(outbox), await sell(outbox)];
  await correct(outbox, lost.id);
  // The tablet's own database was lost: it has another id now.
  malar.always = (apply, { body }) =>
    body.stream_id === former ? json({ code: "stream_taken" }, 409) : apply();
  await turn(2000);
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  assert.equal(malar.lines.size, 4);
  const sent = malar.asked.filter(({ path, body }) => path === "ops/" && body.stream_id !== former);
  const byQueue = new Map();
  for (const { body } of sent)
    byQueue.set(body.stream_id, [...(byQueue.get(body.stream_id) ?? []), ...body.ops]);
  const [rest, own] = [...byQueue.values()];
  assert.deepEqual(
    rest.map((/** @type {any} */ op) => JSON.stringify(op)),
    [before],
  );
  assert.deepEqual(
    own.map((/** @type {any} */ op) => [op.seq, op.entity_id]),
    [
      [1, sold[0].id],
      [2, sold[1].id],
      [3, lost.id],
    ],
  );
  const told = (/** @type {any} */ { body }) => [body.ops.length, body.queue.last_seq, body.queue.pending];
  assert.deepEqual(sent.map(told), [
    [1, 0, 0],
    [3, 3, 3],
  ]);
  await sell(outbox);
  await outbox.drain();
  assert.equal(malar.asked.at(-1)?.body.ops[0].seq, 4);
  // Put back to last night: each goes again as it was, in the queue that has its number.
  malar.ops.clear();
  malar.epoch = "epoch-2";
  malar.asked = [];
  await turn(61_000);
  await outbox.meet();
  const again = malar.asked.filter(({ path }) => path === "ops/");
  const numbers = again.flatMap(({ body }) =>
    body.ops.map((/** @type {any} */ op) => `${body.stream_id} ${op.seq}`),
  );
  assert.equal(new Set(numbers).size, 6);
  assert.equal(numbers.length, 6);
});

test("a new queue is asked for once, not for ever", async () => {
  const outbox = await page(malar);
  malar.always = () => json({ code: "stream_taken" }, 409);
  await sell(outbox);
  await outbox.drain();
  assert.equal(malar.batches().length, 2);
  assert.deepEqual([outbox.obstacle, (await outbox.waiting())[0].payload.seq], ["held", 1]);
});

test("a busy server is left alone for as long as it asks", async () => {
  for (const status of [429, 503]) {
    malar = new Malar();
    malar.faults = [
      () => new Response("", { status, headers: { "Retry-After": "20", "X-Sync-Protocol": "1" } }),
    ];
    const outbox = await page(malar);
    await sell(outbox);
    await outbox.drain();
    await turn(19_000);
    await outbox.drain({ isNewRound: true });
    assert.equal(malar.batches().length, 1, `${status}`);
    await turn(1000);
    assert.equal(malar.batches().length, 2, `${status}`);
    assert.equal(malar.lines.size, 1);
    await forgetAll();
    atNoon();
  }
});

// --- In which order ----------------------------------------------------------------------------

test("creations go first, then corrections, then cancellations; one entity in its own order, one at a time", async () => {
  malar.atHello = noNetwork;
  const outbox = await page(malar);
  const first = await sell(outbox);
  await outbox.drain();
  malar.atHello = null;
  await outbox.drain({ isNewRound: true });
  await undo(outbox, first.id);
  const second = await sell(outbox);
  await correct(outbox, second.id);
  await correct(outbox, second.id, 2);
  const third = await sell(outbox);
  await outbox.drain();
  const sent = malar.batches((op) => `${op.operation} ${op.entity_id}`);
  assert.deepEqual(sent, [
    [`CREATE ${first.id}`],
    [`CREATE ${second.id}`, `CREATE ${third.id}`, `DELETE ${first.id}`],
    [`UPDATE ${second.id}`],
    [`UPDATE ${second.id}`],
  ]);
  assert.equal(malar.lines.get(second.id).version, 3);
  assert.equal(malar.lines.get(first.id).status, "voided");
});

test("what follows an operation waits while that one is not taken", async () => {
  const outbox = await page(malar);
  malar.judge = (op) => (op.operation === "CREATE" ? { status: "retry" } : null);
  const { id } = await sell(outbox);
  await undo(outbox, id);
  await outbox.drain();
  assert.deepEqual(
    malar.batches((op) => op.operation),
    [["CREATE"]],
  );
  assert.deepEqual(await states(outbox), ["queued", "queued"]);
  malar.judge = null;
  await turn(1000);
  assert.deepEqual(await states(outbox), []);
  assert.equal(malar.lines.get(id).status, "voided");
  assert.equal((await outbox.entries([id]))[0].status, "voided");
});

test("a batch has at most 50 operations and 64 KB", async () => {
  const outbox = await page(malar);
  for (let sold = 0; sold < 130; sold += 1) await sell(outbox);
  await outbox.drain();
  assert.deepEqual(
    malar.batches().map((batch) => batch.length),
    [10, 20, 40, 50, 10],
  );
  for (let sold = 0; sold < 3; sold += 1) await sell(outbox, { set: { note: "பூ".repeat(5000) } });
  await outbox.drain();
  const sizes = malar.asked
    .filter(({ path }) => path === "ops/")
    .map(({ body }) => new TextEncoder().encode(JSON.stringify(body)).length);
  assert.deepEqual(
    malar.batches().map((batch) => batch.length),
    [10, 20, 40, 50, 10, 2, 1],
  );
  assert.ok(
    sizes.every((size) => size <= 65_536),
    String(sizes),
  );
});

test("a server that is long at a batch gets smaller ones, and no line is blamed for it", async () => {
  const outbox = await page(malar);
  for (let sold = 0; sold < 60; sold += 1) await sell(outbox);
  malar.took = 400;
  malar.always = (apply) => {
    if (malar.batches().length === 4) malar.took = 50;
    return apply();
  };
  await outbox.drain();
  assert.deepEqual(
    malar.batches().map((batch) => batch.length),
    [10, 5, 5, 5, 10, 20, 5],
  );
  malar.took = 200;
  for (let sold = 0; sold < 60; sold += 1) await sell(outbox);
  await outbox.drain();
  // Neither long nor short: it stays as it is.
  assert.deepEqual(
    malar
      .batches()
      .slice(7)
      .map((batch) => batch.length),
    [40, 20],
  );
});

test("too much for the server is halved until it takes it", async () => {
  const outbox = await page(malar);
  for (let sold = 0; sold < 20; sold += 1) await sell(outbox);
  malar.always = (apply, { body }) =>
    body.ops.length > 6 ? new Response("<html>413</html>", { status: 413 }) : apply();
  await outbox.drain();
  assert.deepEqual(
    malar.batches().map((batch) => batch.length),
    [10, 5, 5, 5, 5],
  );
  assert.deepEqual(await states(outbox), []);
  assert.ok((await rows(outbox)).every(({ retry_count }) => retry_count === 0));
});

test("one over which the server falls is found within a round, and the others do not wait for it", async () => {
  const outbox = await page(malar);
  const lines = [];
  for (let sold = 0; sold < 50; sold += 1) lines.push(await sell(outbox));
  const poison = lines[17].id;
  malar.always = (apply, { body }) =>
    body.ops.some((/** @type {any} */ op) => op.entity_id === poison)
      ? new Response("<html>500</html>", { status: 500 })
      : apply();
  await outbox.drain();
  assert.equal(malar.lines.size, 10);
  await turn(1000);
  assert.equal(malar.lines.size, 49);
  const [op] = await outbox.waiting();
  assert.equal(op.entity_id, poison);
  for (let second = 0; second < 40; second += 1) await turn(1000);
  assert.deepEqual(await states(outbox), ["stalled"]);
  const later = await sell(outbox);
  await outbox.drain({ isNewRound: true });
  assert.ok(malar.lines.has(later.id));
  assert.deepEqual(malar.batches((each) => each.entity_id).slice(-2), [[later.id], [poison]]);
});

test("a server that is down as a whole is not asked for each of them", async () => {
  const outbox = await page(malar);
  for (let sold = 0; sold < 50; sold += 1) await sell(outbox);
  malar.always = () => new Response("", { status: 502 });
  await outbox.drain();
  await turn(1000);
  assert.ok(malar.batches().length <= 12, String(malar.batches().length));
  const tries = (await outbox.waiting()).map((/** @type {any} */ { retry_count }) => retry_count);
  // Those that were not sent have spent none.
  assert.equal(tries.filter((/** @type {number} */ count) => count > 0).length, 10);
});

// --- What is said of each ------------------------------------------------------------------------

test("each operation gets its own answer, in one transaction; what is not spoken of stays", async () => {
  const outbox = await page(malar);
  const [good, odd, gone, unsaid] = [
    await sell(outbox),
    await sell(outbox),
    await sell(outbox),
    await sell(outbox),
  ];
  const error = { code: "unknown", pointer: "/farmer", detail: "யார்?" };
  malar.judge = (op) =>
    op.entity_id === odd.id
      ? { status: "needs_fix", error }
      : op.entity_id === gone.id
        ? { status: "blocked", error: { code: "not_known_here", pointer: "", detail: "" } }
        : null;
  malar.faults = [
    async (apply) => {
      const body = await apply().json();
      return json({
        ...body,
        results: body.results.slice(0, 3),
      });
    },
  ];
  await outbox.drain();
  const waiting = await outbox.waiting();
  assert.deepEqual(
    waiting.map((/** @type {any} */ { entity_id, status, error: why }) => [
      entity_id,
      status,
      why?.code ?? null,
    ]),
    [
      [odd.id, "needs_fix", "unknown"],
      [gone.id, "blocked", "not_known_here"],
      [unsaid.id, "queued", null],
    ],
  );
  assert.equal((await outbox.entries([good.id]))[0].synced, true);
  await turn(1000);
  assert.deepEqual(await states(outbox), ["needs_fix", "blocked"]);
  assert.equal(malar.lines.size, 2);
  malar.judge = null;
  await outbox.drain({ isNewRound: true });
  assert.deepEqual(await states(outbox), ["needs_fix"], "it may succeed later without anybody");
});

test("what a person mends is a new operation in the place of the old, which is kept", async () => {
  const outbox = await page(malar);
  malar.judge = () => ({ status: "needs_fix", error: { code: "unknown", pointer: "/farmer", detail: "?" } });
  const { id } = await sell(outbox);
  await outbox.drain();
  const [old] = await outbox.waiting();
  malar.judge = null;
  await sell(outbox, { said: { entity_id: id, supersedes: old.id }, set: { farmer: "selvi" } });
  assert.deepEqual(
    (await outbox.waiting()).map((/** @type {any} */ { payload }) => payload.supersedes),
    [old.id],
  );
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  const [first, second] = await rows(outbox);
  assert.deepEqual([first.superseded_by, second.payload.seq], [second.id, 2]);
  assert.equal(malar.lines.size, 1);
});

const REFUSED = { status: "needs_fix", error: { code: "unknown", pointer: "/farmer", detail: "?" } };

test("what the server refused and a person takes back is only struck out here", async () => {
  malar.judge = () => REFUSED;
  const outbox = await page(malar);
  const { id } = await sell(outbox);
  await outbox.drain();
  await undo(outbox, id);
  assert.deepEqual(await states(outbox), []);
  assert.equal((await outbox.entries([id]))[0].status, "voided");
  assert.equal((await rows(outbox)).length, 1, "no number is used for what the server need not know");
});

test("what was taken back before it was refused is sent all the same: no number looks missing", async () => {
  malar.judge = ({ operation }) => (operation === "CREATE" ? REFUSED : { status: "merged" });
  const outbox = await page(malar);
  const early = await sell(outbox);
  await correct(outbox, early.id);
  await undo(outbox, early.id, 2);
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  assert.deepEqual(
    malar.batches().flat(),
    [1, 3, 2],
    "the cancellation first: then there is nothing to correct",
  );
  const late = await sell(outbox);
  await correct(outbox, late.id);
  await outbox.drain();
  assert.deepEqual(await states(outbox), ["needs_fix", "queued"]);
  await undo(outbox, late.id, 2);
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  assert.deepEqual(malar.batches().flat().sort(), [1, 2, 3, 4, 5, 6]);
  malar.epoch = "epoch-2";
  malar.ops.clear();
  await turn(61_000);
  await outbox.meet();
  assert.deepEqual(
    (await rows(outbox)).filter(({ given_up }) => given_up).map(({ payload }) => payload.seq),
    [1, 4],
  );
});

test("what mends an operation goes in its place, before what was done to the entry since", async () => {
  malar.judge = ({ operation }) => (operation === "CREATE" ? REFUSED : null);
  const outbox = await page(malar);
  const { id } = await sell(outbox);
  await correct(outbox, id);
  await outbox.drain();
  malar.judge = null;
  const [old] = await outbox.waiting();
  await sell(outbox, { said: { entity_id: id, supersedes: old.id }, set: { farmer: "selvi" } });
  await outbox.drain();
  assert.deepEqual(malar.batches().flat(), [1, 3, 2]);
  assert.equal(malar.lines.get(id).version, 2);
});

/** A line that somebody else changed before it was taken back here. @param {any} outbox @param {string} [id] of the conflict */
async function clash(outbox, id = "conflict-1") {
  const sold = await sell(outbox);
  await outbox.drain();
  const theirs = { ...malar.lines.get(sold.id), version: 2, quantity: "11.000" };
  malar.conflicts.push(id);
  malar.judge = (op) =>
    op.operation === "DELETE" ? { status: "conflict", entity: theirs, conflict: id } : null;
  await undo(outbox, sold.id);
  await outbox.drain();
  assert.deepEqual(await states(outbox), ["conflict"]);
  return { ...theirs, id: sold.id };
}

const conflictsOf = (/** @type {any} */ outbox) =>
  outbox.ledger.read(["conflicts"], (/** @type {any} */ tx) => tx.objectStore("conflicts").getAll());
const DECIDED = { reason: "Decided at the counter", captured: {} };

test("somebody was faster: the entry is as the server has it, until a person's decision has arrived", async () => {
  const outbox = await page(malar);
  const theirs = await clash(outbox);
  const [entry] = await outbox.entries([theirs.id]);
  assert.deepEqual([entry.status, entry.version, entry.quantity], ["confirmed", 2, "11.000"]);
  const [op] = await outbox.waiting();
  malar.judge = ({ operation }) =>
    operation === "RESOLVE" ? { status: "applied", entity: { ...theirs, version: 3 } } : null;
  malar.faults = [noNetwork];
  await decide(outbox, op.id, { choice: "theirs", ...DECIDED });
  await decide(outbox, op.id, { choice: "mine", ...DECIDED });
  await outbox.drain();
  assert.deepEqual(await states(outbox), ["conflict", "queued"], "decided once, and not answered yet");
  await turn(1000);
  const sent = malar.asked.at(-1)?.body.ops;
  assert.deepEqual(
    sent.map((/** @type {any} */ { operation, entity, entity_id, set }) => [
      operation,
      entity,
      entity_id,
      set,
    ]),
    [
      [
        "RESOLVE",
        "conflict",
        "conflict-1",
        { conflict: "conflict-1", choice: "theirs", reason: DECIDED.reason, expected_version: 2 },
      ],
    ],
  );
  assert.deepEqual([await states(outbox), await conflictsOf(outbox)], [[], []]);
  assert.equal((await outbox.entries([theirs.id]))[0].version, 3);
  // Cancelled by somebody else: that is what was wanted.
  malar.judge = () => ({ status: "conflict", entity: { ...theirs, status: "voided", version: 4 } });
  await undo(outbox, theirs.id, 3);
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
});

test("a decision about what is another line by now is refused, and decided anew on what stands", async () => {
  const outbox = await page(malar);
  const theirs = await clash(outbox);
  const [op] = await outbox.waiting();
  const error = { code: "stale", pointer: "", detail: "It was changed." };
  malar.judge = () => ({ status: "needs_fix", error, entity: { ...theirs, version: 3, quantity: "12.000" } });
  await decide(outbox, op.id, { choice: "mine", ...DECIDED });
  await outbox.drain();
  assert.deepEqual(await states(outbox), ["conflict"]);
  const [row] = await conflictsOf(outbox);
  assert.deepEqual([row.choice, row.error.code, row.theirs.version], [null, "stale", 3]);
  assert.equal((await outbox.entries([theirs.id]))[0].quantity, "12.000");
  malar.judge = () => ({ status: "applied", entity: { ...theirs, version: 4, status: "voided" } });
  await decide(outbox, op.id, { choice: "mine", ...DECIDED });
  await outbox.drain();
  assert.equal(malar.asked.at(-1)?.body.ops[0].set.expected_version, 3);
  assert.deepEqual([await states(outbox), await conflictsOf(outbox)], [[], []]);
});

test("what was decided elsewhere goes by itself: by the answer, or because it is open no more", async () => {
  const outbox = await page(malar);
  await clash(outbox);
  const [op] = await outbox.waiting();
  const error = { code: "already_resolved", pointer: "", detail: "Meena has decided." };
  malar.judge = () => ({ status: "needs_fix", error, entity: null });
  await decide(outbox, op.id, { choice: "theirs", ...DECIDED });
  await outbox.drain();
  assert.deepEqual([await states(outbox), await conflictsOf(outbox)], [[], []]);
  malar.judge = null;
  await clash(outbox, "conflict-2");
  await turn(61_000);
  await outbox.meet();
  assert.equal((await states(outbox)).length, 1, "it is still open");
  malar.conflicts = Array.from({ length: 200 }, (_, place) => `other-${place}`);
  await turn(61_000);
  await outbox.meet();
  assert.equal((await states(outbox)).length, 1, "the list is not whole");
  malar.conflicts = ["other-1"];
  await turn(61_000);
  await outbox.meet();
  assert.deepEqual([await states(outbox), await conflictsOf(outbox)], [[], []]);
});

/** Somebody new, written down here. @param {any} outbox @param {Record<string, any>} [said] @returns {Promise<any>} */
function enrol(outbox, said = {}) {
  const set = { number: 300, name_ta: "மணி" };
  const entry = { entity: "farmer", ...set };
  return outbox.record({
    operation: "CREATE",
    entity: "farmer",
    entity_id: "mani",
    set,
    captured: {},
    entry,
    ...said,
  });
}

const farmersOf = (/** @type {any} */ outbox) =>
  outbox.ledger.read(["farmers"], (/** @type {any} */ tx) => tx.objectStore("farmers").getAll());

test("somebody new lies among the farmers, goes before his flowers, and is not written twice", async () => {
  const outbox = await page(malar);
  await enrol(outbox);
  await enrol(outbox);
  await assert.rejects(enrol(outbox, { set: { number: 301, name_ta: "மணி" } }), offline.Taken);
  const { id } = await sell(outbox, { set: { farmer: "mani" } });
  const [farmer] = await farmersOf(outbox);
  assert.deepEqual([farmer.number, farmer.synced], [300, false]);
  assert.deepEqual((await outbox.entries(["mani", id])).map((/** @type {any} */ row) => row.id).sort(), [
    id,
    "mani",
  ]);
  await outbox.drain();
  assert.deepEqual(
    malar.batches((op) => op.entity),
    [["farmer", "daily_entry"]],
  );
  assert.equal((await farmersOf(outbox))[0].synced, true);
  assert.deepEqual(await states(outbox), []);
});

test("one whose number was given away is mended, and what is his goes at once", async () => {
  const outbox = await page(malar);
  const waits = { status: "blocked", error: { code: "not_arrived", pointer: "/farmer", detail: "" } };
  malar.judge = ({ entity }) => (entity === "farmer" ? REFUSED : waits);
  await enrol(outbox);
  await sell(outbox, { set: { farmer: "mani" } });
  await outbox.drain();
  assert.deepEqual(await states(outbox), ["needs_fix", "blocked"]);
  const [{ id: supersedes }] = await outbox.waiting();
  malar.judge = (op) => (op.entity === "daily_entry" && !malar.lines.has("mani") ? waits : null);
  await enrol(outbox, { set: { number: 302, name_ta: "மணி" }, supersedes });
  await outbox.drain();
  assert.deepEqual(await states(outbox), [], "without waiting for a new round");
  assert.deepEqual(malar.batches().slice(1), [[3], [2]]);
});

// --- What breaks in between ------------------------------------------------------------------------

test("the server commits and the tablet dies before it knows: told again, one line", async () => {
  const outbox = await page(malar);
  const { id } = await sell(outbox);
  malar.faults = [
    (apply) => {
      apply();
      return new Promise(() => {});
    },
  ];
  outbox.drain();
  await quiet();
  assert.deepEqual(await states(outbox), ["sending"]);
  // Its memory is gone, the disk is not.
  const next = await page(malar);
  await next.drain();
  assert.deepEqual(await states(next), []);
  assert.deepEqual([malar.lines.size, malar.batches().length], [1, 2]);
  assert.equal((await next.entries([id]))[0].synced, true);
  // It was only asleep: what it still meant to write down is no longer so.
  await turn(8000);
  assert.deepEqual(await states(next), []);
});

test("an answer that cannot be kept is as good as none: it is asked for again", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  aFullDisk();
  await outbox.drain().catch(() => {});
  mock.restoreAll();
  assert.deepEqual(await states(outbox), ["sending"], "neither half of the answer was kept");
  await outbox.drain();
  assert.deepEqual(await states(outbox), []);
  assert.equal(malar.lines.size, 1);
});

test("two tabs and no lock: everything arrives, once", async () => {
  const [one, other] = [await page(malar), await page(malar)];
  for (let sold = 0; sold < 30; sold += 1) await sell(one);
  await Promise.all([one.drain(), other.drain()]);
  assert.deepEqual(await states(one), []);
  assert.equal(malar.lines.size, 30);
});

test("with the lock only one drains, and who came too late looks again", async () => {
  const locks = aLock();
  const [one, other] = [await page(malar, { locks }), await page(malar, { locks })];
  for (let sold = 0; sold < 5; sold += 1) await sell(one);
  await Promise.all([one.drain(), other.drain()]);
  assert.deepEqual(malar.batches(), [[1, 2, 3, 4, 5]]);
  let free = () => {};
  const held = locks.request(
    "drain",
    {},
    () =>
      new Promise((go) => {
        free = () => go(null);
      }),
  );
  await quiet();
  await sell(other);
  await other.drain();
  assert.equal(malar.lines.size, 5);
  free();
  await held;
  await turn(1000);
  assert.equal(malar.lines.size, 6);
});

/** One of a kind, as the browser has it. @returns {any} */
function aLock() {
  let isHeld = false;
  return {
    /** @param {string} _name @param {object} _how @param {(lock: any) => Promise<any>} act */
    async request(_name, _how, act) {
      if (isHeld) return act(null);
      isHeld = true;
      try {
        return await act({});
      } finally {
        isHeld = false;
      }
    },
  };
}

test("what is saved while it drains goes with it", async () => {
  const outbox = await page(malar);
  await sell(outbox);
  malar.faults = [
    async (apply) => {
      const answer = apply();
      await sell(outbox);
      outbox.drain();
      return answer;
    },
  ];
  await outbox.drain();
  await quiet();
  assert.deepEqual(await states(outbox), []);
  assert.deepEqual(malar.batches(), [[1], [2]]);
});

test("a server put back to last night is offered again what it had taken", async () => {
  const outbox = await page(malar);
  const lines = [await sell(outbox), await sell(outbox)];
  await outbox.drain();
  await turn(61_000);
  await outbox.drain({ isNewRound: true });
  assert.equal(malar.batches().length, 1, "the same life: nothing anew");
  malar.lines.clear();
  malar.ops.clear();
  malar.epoch = "epoch-2";
  await turn(61_000);
  await sell(outbox);
  await outbox.drain();
  assert.equal(malar.lines.size, 3);
  assert.ok(lines.every(({ id }) => malar.lines.has(id)));
  assert.deepEqual(await states(outbox), []);
});

test("what was acknowledged is kept for 14 days, what was not for ever", async () => {
  const outbox = await page(malar);
  const old = await sell(outbox);
  await outbox.drain();
  malar.judge = (op) =>
    op.seq === 2 ? { status: "needs_fix", error: { code: "x", pointer: "", detail: "" } } : null;
  await sell(outbox);
  await outbox.drain();
  await turn(13 * 86_400_000);
  await outbox.meet();
  assert.equal((await rows(outbox)).length, 2);
  await turn(86_400_000 + 1000);
  await outbox.meet();
  assert.deepEqual(
    (await rows(outbox)).map(({ seq }) => seq),
    [2],
  );
  assert.deepEqual(await outbox.entries([old.id]), []);
});

// --- The worker ----------------------------------------------------------------------------------

test("the worker sends for whoever was signed in last, and fails while something waits", async () => {
  mock.method(globalThis, "fetch", malar.send);
  await offline.drain();
  assert.equal(malar.asked.length, 0);
  const outbox = await page(malar);
  await outbox.device.put({ user: { id: "kumar" }, shop: "shop-1", at: NOON }, "session");
  await sell(outbox);
  malar.faults = [noNetwork];
  await assert.rejects(offline.drain());
  await offline.drain();
  assert.equal(malar.lines.size, 1);
  await sell(outbox);
  await turn(18 * 3_600_000 + 1);
  await offline.drain();
  assert.equal(malar.lines.size, 1, "too long ago that anybody signed in");
});
