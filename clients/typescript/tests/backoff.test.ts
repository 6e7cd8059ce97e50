import assert from "node:assert/strict";
import { test } from "node:test";

import { LEAST_WAIT_MILLISECONDS, waitAfterRefusal, waitMilliseconds } from "../src/backoff.ts";

const BACKOFF = { firstMilliseconds: 1_000, mostMilliseconds: 30_000 };
const ALMOST_ONE = 1 - Number.EPSILON;

test("the longest wait doubles with each failure, up to the most", () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) =>
    Math.round(waitMilliseconds(BACKOFF, failures, ALMOST_ONE)),
  );
  assert.deepEqual(longest, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test("the wait is anything up to the longest, but never nothing", () => {
  assert.equal(waitMilliseconds(BACKOFF, 3, 0.25), 1_000);
  assert.equal(waitMilliseconds(BACKOFF, 3, 0), LEAST_WAIT_MILLISECONDS);
});

test("after a refusal the wait is what was asked for and up to a quarter more", () => {
  assert.equal(waitAfterRefusal(40, 0), 40_000);
  assert.equal(Math.round(waitAfterRefusal(40, ALMOST_ONE)), 50_000);
});
