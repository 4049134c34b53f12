import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { ALL as ALL_PARTS, askFor, askWho } from "../../../static/js/counter/ask.js";
import { Reference } from "../../../static/js/counter/ref.js";
import { HELLO, json, Page, server, wall } from "./server.js";

const SHOP = { id: "shop-1", name_ta: "மலர்", name_en: "Malar", number_digits: 3, turnover_hour: 2 };
const NAMES = { name_ta: "", name_en: "", village_ta: "", village_en: "", phone_last4: "", code: "" };
const RAJA = {
  ...NAMES,
  id: "raja",
  number: 207,
  is_active: true,
  namesakes: false,
  last_seen: null,
  usual: [
    { flower: "jasmine", lines: 12, low: "8.000", high: "15.000" },
    { flower: "lotus", lines: 2, low: null, high: null },
  ],
};
const FLOWER = { code: "", name_ta: "", name_en: "", short_ta: "", short_en: "", glyph: "malli" };
const RATES = {
  slots: [{ id: "dawn", name_ta: "அதிகாலை", name_en: "Dawn", start: "04:00", end: "06:00" }],
  rates: [{ flower: "jasmine", slot: null, rate: "640.00", from: "2026-11-23T04:30:00+05:30" }],
};
const DAY = { date: "2026-11-23", lines: 84, kilograms: "900.000", amount: "1.00", last: [] };
const ALL = {
  as_of: "2026-11-23T04:52:00.100+05:30",
  shop: SHOP,
  farmers: [RAJA],
  flowers: [
    { ...FLOWER, id: "jasmine", unit: "kg", position: 1, largest: "45.000" },
    { ...FLOWER, id: "lotus", unit: "piece", position: 2, largest: null },
  ],
  ...RATES,
  day: DAY,
};
/** By the device it is two minutes earlier. */
const DEVICE = Date.parse("2026-11-23T04:50:00+05:30");

/** @type {Reference[]} */
const started = [];

// A test that fails half-way leaves its timer behind, for which node would wait for ever.
afterEach(() => {
  for (const reference of started.splice(0)) reference.stop();
  mock.restoreAll();
  mock.timers.reset();
});

/** @param {Parameters<typeof server>} answers */
function counter(...answers) {
  const { send, requests } = server(...answers);
  const page = new Page();
  const device = { now: DEVICE };
  const reference = new Reference({ fetch: send, page: /** @type {any} */ (page), clock: () => device.now });
  started.push(reference);
  /** @type {string[]} */
  const heard = [];
  for (const name of ["change", "signedout", "unreachable"]) {
    reference.addEventListener(name, () => heard.push(name));
  }
  return { reference, requests, page, heard, device };
}

/** An answer that comes when it is told to. */
function slow() {
  /** @type {(answer: Response) => void} */
  let arrive = () => {};
  const answer = new Promise((/** @type {(answer: Response) => void} */ come) => {
    arrive = come;
  });
  return { arrive, answer: () => answer };
}

/** All that waits has happened. */
const settled = () => new Promise((done) => setImmediate(done));

test("it learns who we are and what there is, in our own figures", async () => {
  const { reference, requests, heard } = counter(json(HELLO), json(ALL));
  await reference.start();
  reference.stop();
  assert.deepEqual(
    requests.map((request) => request.path),
    ["/sync/v1/hello/", "/sync/v1/ref/?parts=farmers,flowers,rates,day"],
  );
  assert.equal(requests[0].asked.credentials, "same-origin");
  assert.equal(requests[0].asked.redirect, "manual");
  assert.equal(reference.numbers.get(207), reference.farmers.get("raja"));
  assert.deepEqual(reference.farmers.get("raja")?.usual, [
    { flower: "jasmine", lines: 12, band: { low: 8000, high: 15_000 } },
    { flower: "lotus", lines: 2, band: null },
  ]);
  assert.equal(reference.flowers.get("jasmine")?.largest, 45_000);
  assert.deepEqual([...reference.flowers.keys()], ["jasmine", "lotus"]);
  assert.equal(reference.day?.lines, 84);
  assert.deepEqual(heard, ["change", "change"]);
});

test("both are asked at once, and nothing is taken before it is known who we are", async () => {
  const [who, all] = [slow(), slow()];
  const { reference, requests, heard } = counter(who.answer, all.answer);
  const start = reference.start();
  await settled();
  assert.deepEqual(
    requests.map((request) => request.path),
    ["/sync/v1/hello/", "/sync/v1/ref/?parts=farmers,flowers,rates,day"],
  );
  all.arrive(json(ALL));
  await settled();
  assert.deepEqual([reference.asOf, heard], ["", []]);
  who.arrive(json(HELLO));
  await start;
  assert.deepEqual([reference.user?.id, reference.farmers.size], ["kumar", 1]);
  assert.deepEqual(heard, ["change", "change"]);
});

test("what the page has asked already is not asked again", async () => {
  const { reference, requests, device } = counter(new Error("asked again"));
  const { send } = server(json(HELLO), json(ALL));
  const outside = { send, clock: () => device.now };
  const asked = { who: askWho(outside), all: askFor(ALL_PARTS, outside) };
  await settled();
  // It came before anybody took it: the time between is not the line's.
  device.now += 5000;
  await reference.start(asked);
  assert.equal(requests.length, 0);
  assert.equal(reference.farmers.size, 1);
  assert.equal(reference.now() - DEVICE, 125_100);
});

test("nobody signed in is said once, and signing in still brings all", async () => {
  const out = json({ code: "auth_required" }, 401);
  const { reference, requests, page, heard } = counter(out, out, json(HELLO), json(ALL));
  await reference.start();
  await settled();
  assert.deepEqual([requests.length, heard, reference.isReachable], [2, ["signedout"], true]);
  page.turn("visible");
  await settled();
  assert.deepEqual(heard, ["signedout", "change", "change"]);
  assert.deepEqual([reference.isSignedOut, reference.farmers.size, requests.length], [false, 1, 4]);
});

test("a session that ends between the two is over, whichever answer comes first", async () => {
  const [who, all] = [slow(), slow()];
  const { reference, heard } = counter(who.answer, all.answer);
  const start = reference.start();
  all.arrive(json({ code: "auth_required" }, 401));
  await settled();
  who.arrive(json(HELLO));
  await start;
  assert.deepEqual([reference.isSignedOut, reference.csrf, heard], [true, "", ["change", "signedout"]]);
});

test("of a shop that hello did not say nothing is taken, even at the start", async () => {
  const { reference, heard } = counter(json(HELLO), json({ ...ALL, shop: { ...SHOP, id: "shop-2" } }));
  await reference.start();
  assert.deepEqual([reference.shopId, reference.shop, reference.farmers.size], ["shop-1", null, 0]);
  assert.deepEqual([reference.isSignedOut, heard], [true, ["change", "signedout"]]);
});

test("a start without a network leaves the next minute free to try again", async () => {
  const gone = new TypeError("no network");
  const never = slow();
  const { reference, page, heard } = counter(gone, never.answer, json(HELLO), json(ALL));
  await reference.start();
  assert.deepEqual([reference.isReachable, heard], [false, ["unreachable"]]);
  page.turn("visible");
  await settled();
  never.arrive(json({ ...ALL, farmers: [] }));
  await settled();
  assert.deepEqual([reference.isReachable, reference.farmers.size], [true, 1]);
});

test("its clock is the server's, and so are rate and slot", async () => {
  const { reference } = counter(json(HELLO), json(ALL));
  await reference.start();
  reference.stop();
  assert.equal(reference.now() - DEVICE, 120_100);
  assert.equal(reference.slot()?.id, "dawn");
  const world = reference.world();
  assert.equal(world.now, reference.now());
  assert.equal(world.digits, 3);
  assert.equal(world.rateAt("jasmine", world.now), 64_000);
  assert.equal(world.rateAt("jasmine", Date.parse("2026-11-23T04:29:00+05:30")), null);
});

test("rates and day are fetched again every half minute, while somebody looks", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const { reference, requests, page, device } = counter(json(HELLO), json(ALL));
  await reference.start();
  mock.timers.tick(30_000);
  await settled();
  assert.equal(requests.at(-1)?.path, "/sync/v1/ref/?parts=rates,day");
  assert.equal(requests.length, 3);
  page.turn("hidden");
  mock.timers.tick(300_000);
  await settled();
  assert.equal(requests.length, 3);
  page.turn("visible");
  await settled();
  assert.equal(requests.length, 4);
  device.now += 600_000;
  mock.timers.tick(30_000);
  await settled();
  assert.equal(requests.at(-1)?.path, "/sync/v1/ref/?parts=farmers,flowers,rates,day", "now and then all");
  reference.stop();
  mock.timers.tick(30_000);
  page.turn("visible");
  await settled();
  assert.equal(requests.length, 5);
  mock.timers.reset();
});

test("it says until when it knows all rates: the time of the last answer with rates", async () => {
  const day = { as_of: "2026-11-23T04:53:00.000+05:30", shop: SHOP, day: DAY };
  const { reference } = counter(json(HELLO), json(ALL), json(day));
  await reference.start();
  reference.stop();
  await reference.refresh(["day"]);
  assert.equal(reference.world().ratesAt, Date.parse(ALL.as_of));
  assert.equal(reference.world().dayOf(Date.parse("2026-11-23T01:59:00+05:30")), "2026-11-22");
});

test("the long lists may take a minute, and are not asked for twice meanwhile", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const limits = mock.method(AbortSignal, "timeout").mock;
  const all = slow();
  const { reference, requests } = counter(json(HELLO), all.answer, json(ALL));
  reference.start();
  await settled();
  mock.timers.tick(30_000);
  await settled();
  assert.equal(requests.length, 2);
  all.arrive(json(ALL));
  await settled();
  mock.timers.tick(30_000);
  await settled();
  reference.stop();
  assert.equal(requests[2].path, "/sync/v1/ref/?parts=rates,day");
  assert.deepEqual(
    limits.calls.map((call) => call.arguments[0]),
    [8000, 60_000, 8000],
  );
  mock.restoreAll();
  mock.timers.reset();
});

test("its clock goes on when the device's is set", () => {
  const reference = new Reference({ page: /** @type {any} */ (new Page()) });
  const before = reference.now();
  mock.timers.enable({ apis: ["Date"], now: 0 });
  assert.ok(reference.now() - before < 60_000 && reference.now() >= before);
  mock.timers.reset();
});

test("a device that slept or was set asks the server for the time", async () => {
  const { reference } = counter(json(HELLO));
  await reference.hello();
  assert.equal(reference.isClockSure, true);
  mock.timers.enable({ apis: ["Date"], now: Date.now() + 3_600_000 });
  assert.equal(reference.isClockSure, false);
  await reference.hello();
  assert.equal(reference.isClockSure, true);
  mock.timers.reset();
});

test("without a network what is known stays, with its time", async () => {
  const { reference, heard } = counter(json(HELLO), json(ALL), new TypeError("no network"));
  await reference.start();
  reference.stop();
  assert.equal(await reference.refresh(), false);
  assert.equal(await reference.refresh(), false);
  assert.deepEqual([reference.isReachable, reference.flowers.size, reference.asOf], [false, 2, ALL.as_of]);
  assert.deepEqual(heard.slice(2), ["unreachable"]);
});

test("a network that comes back brings all that was never fetched", async () => {
  const gone = new TypeError("no network");
  const { reference, requests, page } = counter(gone, gone, json(HELLO), json(ALL));
  await reference.start();
  assert.equal(reference.isReachable, false);
  page.turn("visible");
  await settled();
  reference.stop();
  assert.equal(requests.at(-1)?.path, "/sync/v1/ref/?parts=farmers,flowers,rates,day");
  assert.deepEqual([reference.isReachable, reference.farmers.size], [true, 1]);
});

test("a wall, an error page and a redirect are no answers", async () => {
  for (const answer of [wall(), new Response("502", { status: 502 }), new Response(null, { status: 401 })]) {
    const { reference, heard } = counter(answer);
    assert.equal(await reference.hello(), false);
    assert.deepEqual(heard, ["unreachable"]);
  }
});

test("a session that is over is said once, and what is known stays", async () => {
  const { reference, heard } = counter(json(HELLO), json(ALL), json({ code: "auth_required" }, 401));
  await reference.start();
  reference.stop();
  assert.equal(await reference.refresh(), false);
  assert.deepEqual([reference.isSignedOut, reference.csrf, reference.farmers.size], [true, "", 1]);
  assert.equal(await reference.hello(), false);
  assert.deepEqual(heard.slice(2), ["signedout"]);
});

test("an answer that was overtaken says nothing new", async () => {
  const older = { ...ALL, as_of: "2026-11-23T04:51:00.000+05:30", day: { ...DAY, lines: 83 } };
  const { reference } = counter(json(HELLO), json(ALL), json(older));
  await reference.start();
  reference.stop();
  assert.equal(await reference.refresh(), true);
  assert.deepEqual([reference.day?.lines, reference.asOf], [84, ALL.as_of]);
});

test("another shop in this browser is never mixed with ours", async () => {
  const theirs = {
    ...ALL,
    shop: { ...SHOP, id: "shop-2" },
    rates: [],
    as_of: "2026-11-23T04:53:00.000+05:30",
  };
  const { reference, heard } = counter(
    json(HELLO),
    json(ALL),
    json(theirs),
    json({ ...HELLO, shop: "shop-2" }),
  );
  await reference.start();
  reference.stop();
  assert.equal(await reference.refresh(), false);
  assert.equal(await reference.hello(), false);
  assert.deepEqual([reference.shopId, reference.shop?.id, reference.rates.length], ["shop-1", "shop-1", 1]);
  assert.deepEqual([reference.isSignedOut, reference.csrf, heard[2]], [true, "", "signedout"]);
});

test("somebody who does not sell is told so", async () => {
  const { reference } = counter(json({ code: "not_allowed" }, 403));
  await reference.start();
  reference.stop();
  assert.deepEqual([reference.isSignedOut, reference.isForbidden], [true, true]);
  const { reference: nobody } = counter(json({ code: "auth_required" }, 401));
  assert.equal(await nobody.hello(), false);
  assert.equal(nobody.isForbidden, false);
});

test("somebody who was added here stays until the list has him; of one number the server's has it", async () => {
  const at = (/** @type {number} */ minute) => `2026-11-23T04:${minute}:00.000+05:30`;
  const list = (/** @type {any[]} */ ...farmers) => json({ as_of: at(53 + counted++), shop: SHOP, farmers });
  let counted = 0;
  const mani = { ...RAJA, id: "mani", number: 300, name_en: "Mani", usual: [], synced: false };
  const { reference, heard } = counter(
    json(HELLO),
    json(ALL),
    list(RAJA),
    list(RAJA, { ...RAJA, id: "other", number: 300 }),
    list(RAJA, { ...mani, number: 301, synced: undefined, usual: [] }),
  );
  await reference.start();
  reference.stop();
  heard.length = 0;
  reference.adopt(/** @type {any} */ (mani));
  assert.deepEqual([heard, reference.numbers.get(300)?.id], [["change"], "mani"]);
  await reference.refresh(["farmers"]);
  assert.deepEqual([...reference.farmers.keys()], ["raja", "mani"], "in order of their numbers");
  await reference.refresh(["farmers"]);
  assert.equal(reference.numbers.get(300)?.id, "other", "it was given away meanwhile");
  assert.equal(reference.farmers.get("mani")?.number, 300);
  await reference.refresh(["farmers"]);
  assert.deepEqual([reference.numbers.get(301)?.id, reference.numbers.has(300)], ["mani", false]);
});

test("fees come with the flowers, limits with who is signed in, a whole day when it is asked for", async () => {
  const fees = [{ id: "luggage", name_ta: "", name_en: "Luggage", basis: "per_trip", rate: "40.00" }];
  const limits = { advance: "5000.00", draw: null, hand_loan: null };
  const lines = { at: "2026-11-23T04:53:00+05:30", date: "2026-11-23", all: [] };
  const { reference, requests } = counter(
    json({ ...HELLO, limits }),
    json({ ...ALL, fees }),
    json({ as_of: "2026-11-23T04:53:00.000+05:30", shop: SHOP, day: DAY, lines }),
  );
  await reference.start();
  reference.stop();
  assert.deepEqual([reference.fees, reference.limits, reference.lines], [fees, limits, null]);
  await reference.refresh(["day", "lines"]);
  assert.equal(requests.at(-1)?.path, "/sync/v1/ref/?parts=day,lines");
  assert.deepEqual(reference.lines, lines);
});
