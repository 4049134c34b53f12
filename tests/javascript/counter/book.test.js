import assert from "node:assert/strict";
import { test } from "node:test";
import { Book, doneOf, isSame } from "../../../static/js/counter/book.js";
import { Reference } from "../../../static/js/counter/ref.js";
import { HELLO, json, Page, server, wall } from "./server.js";
import { EARLY, flowerTile, SIX, savedLine, stall, typed } from "./stall.js";

const world = stall();
const line = savedLine(typed(world, "20712½", "save"));
const ENTRY = {
  id: line.id,
  slip_number: "S1-2311-018",
  rate: "640.00",
  amount: "8000.00",
  quantity: "12.500",
  version: 1,
  status: "confirmed",
  needs_review: false,
  rate_pending: false,
};
/** @param {number} status @param {string} code */
const problem = (status, code) =>
  json({ type: "about:blank", title: "", status, detail: "", code, errors: [] }, status);

/** @param {Parameters<typeof server>} answers after the first hello */
function shop(...answers) {
  const { send, requests } = server(json(HELLO), ...answers);
  const page = /** @type {any} */ (new Page());
  const reference = new Reference({ fetch: send, page, clock: () => EARLY });
  return { book: new Book(reference), reference, requests };
}

/** @param {...any} parts of a slip, up to its save */
async function bodyOf(...parts) {
  const said = savedLine(typed(world, ...parts, "save"));
  const { book, requests } = shop(json({ ...ENTRY, id: said.id }, 201));
  assert.equal((await book.write(said)).kind, "ok");
  const { id, ...body } = requests[1].body;
  assert.equal(id, said.id);
  return body;
}

test("a line goes out with its own key, our token and the reader's language", async () => {
  const { book, requests } = shop(json(ENTRY, 201));
  assert.deepEqual(await book.write(line), { kind: "ok", entry: ENTRY });
  const { path, asked, headers, body } = requests[1];
  assert.equal(path, "/api/v1/daily-entries/");
  assert.deepEqual([asked.method, asked.credentials, asked.redirect], ["POST", "same-origin", "manual"]);
  assert.equal(headers["Idempotency-Key"], line.id);
  assert.equal(headers["X-CSRFToken"], "token-1");
  assert.equal(headers["X-Shop"], "shop-1");
  assert.equal(headers["Accept-Language"], "ta");
  assert.deepEqual(body, {
    id: line.id,
    farmer: "raja",
    flower: "jasmine",
    captured_at: "2026-11-23T04:52:00.000+05:30",
    gross_quantity: "12.500",
  });
});

test("sacks, counts and typed rates are sent as such, a called rate never", async () => {
  const common = { farmer: "raja", flower: "jasmine", captured_at: "2026-11-23T04:52:00.000+05:30" };
  assert.deepEqual(await bodyOf("20712½+8¼"), { ...common, sack_weights: ["12.500", "8.250"], sacks: 2 });
  assert.deepEqual(await bodyOf("207", flowerTile("lotus"), "60"), {
    ...common,
    flower: "lotus",
    quantity: "60.000",
  });
  const reason = { type: "setReason", reason: "wet" };
  assert.deepEqual(await bodyOf("20712½", "rate", "600,5", reason), {
    ...common,
    gross_quantity: "12.500",
    rate: "600.50",
    rate_reason: "wet",
  });
  assert.equal((await bodyOf("207", flowerTile("mullai"), "5", "rate", "480")).rate_reason, undefined);
});

test("only the server's own answer about this very line is a success", async () => {
  for (const answer of [
    wall(),
    json({ ...ENTRY, id: "another" }, 201),
    json({}, 200),
    new Response(JSON.stringify(ENTRY).slice(0, 40), { status: 201 }),
    Response.redirect("http://192.0.2.1/portal"),
    new Response("<html>Sign in to WiFi</html>", { status: 401 }),
    new TypeError("no network"),
    new DOMException("8 s are over", "TimeoutError"),
    problem(500, "server_error"),
    problem(429, "throttled"),
  ]) {
    const { book } = shop(answer);
    assert.deepEqual(await book.write(line), { kind: "unreachable" }, String(answer));
  }
});

test("a refusal says what the server says", async () => {
  const { book } = shop(problem(422, "not_positive"));
  const result = await book.write(line);
  assert.equal(result.kind === "refused" && result.problem.code, "not_positive");
});

test("an expired session is said once to all who listen", async () => {
  const { book, reference } = shop(problem(401, "not_authenticated"));
  let heard = 0;
  reference.addEventListener("signedout", () => {
    heard += 1;
  });
  assert.deepEqual(await book.write(line), { kind: "signedOut" });
  assert.equal(heard, 1);
});

test("an old token is renewed and the line sent once more, not for ever", async () => {
  const renewed = json({ ...HELLO, csrf: "token-2" });
  const { book, requests } = shop(problem(403, "csrf_failed"), renewed, json(ENTRY, 201));
  assert.equal((await book.write(line)).kind, "ok");
  assert.deepEqual(
    requests.map(({ path, headers }) => [path, headers["X-CSRFToken"], headers["Idempotency-Key"]]),
    [
      ["/sync/v1/hello/", undefined, undefined],
      ["/api/v1/daily-entries/", "token-1", line.id],
      ["/sync/v1/hello/", undefined, undefined],
      ["/api/v1/daily-entries/", "token-2", line.id],
    ],
  );
  const stubborn = shop(problem(403, "csrf_failed"), renewed, problem(403, "csrf_failed"));
  const result = await stubborn.book.write(line);
  assert.equal(result.kind === "refused" && result.problem.code, "csrf_failed");
  assert.equal(stubborn.requests.length, 4);
});

test("without hello nothing is written", async () => {
  const { send, requests } = server(new TypeError("no network"));
  const page = /** @type {any} */ (new Page());
  const book = new Book(new Reference({ fetch: send, page, clock: () => EARLY }));
  assert.deepEqual(await book.write(line), { kind: "unreachable" });
  assert.equal(requests.length, 1);
});

test("a line is the same try only if the book would read the same", () => {
  assert.equal(isSame(line, { ...line, at: SIX, amount: null, quoted: null }), true);
  assert.equal(isSame(line, { ...line, quantity: 12_750, sacks: [12_750] }), false);
  assert.equal(isSame(line, { ...line, farmer: "selvi" }), false);
});

test("undoing voids the line with its version, and a second try is the same request", async () => {
  const done = doneOf(line, ENTRY);
  assert.deepEqual(done, { line, version: 1, amount: 800_000 });
  const voided = { ...ENTRY, status: "voided", version: 2 };
  const { book, requests } = shop(new TypeError("no network"), json(voided));
  assert.deepEqual(await book.cancel(done, "Undone at the counter"), { kind: "unreachable" });
  assert.deepEqual(await book.cancel(done, "Undone at the counter"), { kind: "ok", entry: voided });
  const [first, second] = requests.slice(1);
  assert.equal(first.path, `/api/v1/daily-entries/${line.id}/void/`);
  assert.deepEqual(first.body, { version: 1, reason: "Undone at the counter" });
  assert.notEqual(first.headers["Idempotency-Key"], line.id);
  assert.equal(second.headers["Idempotency-Key"], first.headers["Idempotency-Key"]);
});
