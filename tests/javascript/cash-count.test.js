import assert from "node:assert/strict";
import test from "node:test";
import { counted } from "../../static/js/behaviours/cash-count.js";

test("notes and paise come to a sum in paise, whatever digits they are typed in", () => {
  assert.deepEqual(
    counted(
      [
        [500, "12"],
        [200, " ௩ "],
        [100, ""],
      ],
      "7.50",
    ),
    { sums: [6000_00, 600_00, null], paise: 6607_50 },
  );
});

test("what is no whole number of notes counts for nothing", () => {
  assert.deepEqual(
    counted(
      [
        [500, "1.5"],
        [200, "-2"],
        [100, "x"],
      ],
      "none",
    ),
    { sums: [null, null, null], paise: 0 },
  );
});
