import assert from "node:assert/strict";
import { test } from "node:test";
import { follow } from "../../../static/js/counter/port.js";
import { parseLine, Scale } from "../../../static/js/counter/scale.js";

test("the usual protocols are read", () => {
  for (const [line, grams, moving] of /** @type {[string, number, boolean][]} */ ([
    ["ST,GS,+  12.500kg", 12_500, false],
    ["ST,NT,+  12.50 kg", 12_500, false],
    ["US,GS,+  12.495kg", 12_495, true],
    ["ST,GS,-   0.005kg", -5, false],
    ["ST,+00012.78  g", 12, false],
    ["S S     12.500 kg", 12_500, false],
    ["S D     12.480 kg", 12_480, true],
    ["  12.500", 12_500, false],
    ["+012,500 kg", 12_500, false],
    ["\u000212.500kg\u0003", 12_500, false],
    ["ST,GS,+ 12.5000kg", 12_500, false],
    ["12.500 kg G", 12_500, false],
    ["US,GS,  0.000kg", 0, true],
  ])) {
    assert.deepEqual(parseLine(line), { grams, moving }, line);
  }
});

test("what is no weight in kilograms is nothing", () => {
  for (const line of ["", "hello", "OL,GS,+  0.000kg", "ST,GS,+ 12.500lb", "12.5.0", "ERR 04x", "--.---"]) {
    assert.equal(parseLine(line), null, line);
  }
});

/** A scale with a clock of ours. */
function onTheTable() {
  let now = 0;
  const scale = new Scale(() => now);
  return {
    scale,
    /** @param {number} ms @param {string} [line] */
    hear: (ms, line) => {
      now += ms;
      if (line) scale.read(line);
      return scale.reading().state;
    },
  };
}

test("a reading stands when it was the same for half a second", () => {
  const { scale, hear } = onTheTable();
  assert.equal(scale.reading().state, "none");
  assert.equal(hear(0, "12.500"), "moving");
  assert.equal(hear(250, "12.500"), "moving");
  assert.equal(hear(249, "12.500"), "moving");
  assert.equal(hear(1, "12.500"), "steady");
  assert.deepEqual(scale.reading(), { state: "steady", quantity: 12_500 });
  assert.equal(hear(100, "12.505"), "moving");
});

test("time alone makes nothing stand, nor does a scale that says it moves", () => {
  const { hear } = onTheTable();
  hear(0, "12.500");
  assert.equal(hear(900), "moving");
  assert.equal(hear(0, "US,GS,+12.500kg"), "moving");
  assert.equal(hear(400, "ST,GS,+12.500kg"), "moving");
  assert.equal(hear(500, "ST,GS,+12.500kg"), "steady");
});

test("the sack before is not weighed again: after a save it must have seen zero (trap 5)", () => {
  const { scale, hear } = onTheTable();
  hear(0, "12.500");
  assert.equal(hear(500, "12.500"), "steady");
  scale.taken();
  assert.equal(hear(500, "12.500"), "waiting_zero");
  assert.equal(hear(500, "8.000"), "waiting_zero", "another weight without a zero between");
  assert.equal(hear(100, "0.005"), "moving");
  assert.equal(hear(100, "8.250"), "moving");
  assert.equal(hear(500, "8.250"), "steady");
});

test("silence is a lost scale, and it must stand anew", () => {
  const { scale, hear } = onTheTable();
  hear(0, "12.500");
  hear(500, "12.500");
  assert.equal(hear(2001), "lost");
  assert.equal(hear(0, "12.500"), "moving");
  scale.lose();
  assert.equal(scale.reading().state, "lost");
});

/** A port that gives these pieces and then breaks, once for each list. @param {string[][]} sessions */
function port(sessions) {
  let opened = 0;
  return {
    /** @type {ReadableStream<Uint8Array> | null} */
    readable: null,
    get opened() {
      return opened;
    },
    async open() {
      const pieces = sessions[opened];
      opened += 1;
      if (!pieces) throw new Error("not there");
      this.readable = new ReadableStream({
        start(controller) {
          for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
          setTimeout(() => controller.error(new Error("pulled out")));
        },
      });
    },
    async close() {},
  };
}

test("the reader puts pieces of lines together and survives that the cable is pulled out", async () => {
  const { scale } = onTheTable();
  const heard = /** @type {string[]} */ ([]);
  const read = scale.read.bind(scale);
  scale.read = (line) => {
    heard.push(line);
    read(line);
  };
  const stopped = new AbortController();
  const cable = port([["ST,GS,+  12", ".500kg\r\n12.5"], ["13.000\n"]]);
  let pauses = 0;
  await follow(cable, scale, {
    signal: stopped.signal,
    pause: async () => {
      pauses += 1;
      assert.equal(scale.reading().state, "lost");
      if (pauses === 3) stopped.abort();
    },
  });
  assert.deepEqual(heard, ["ST,GS,+  12.500kg", "13.000"]);
  assert.equal(cable.opened, 3);
});
