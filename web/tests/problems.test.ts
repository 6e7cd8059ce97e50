import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionFailedError,
  ConnectionLostError,
  ERROR_CODES,
  RequestTimeoutError,
  ServiceError,
  WrongStateError,
  errorOf,
} from "live-sessions";

import { problemWords } from "../src/problems.ts";
import { words } from "../src/words.ts";

test("every error code has words of its own", () => {
  const said = ERROR_CODES.map((code) =>
    problemWords(errorOf({ type: "error", timestamp: 0, code, message: "" }), true),
  );
  for (const each of said) assert.notEqual(each, words.shared.unknownProblem);
  // A message without an action and one that is no object are the same to a reader.
  assert.equal(new Set(said).size, ERROR_CODES.length - 1);
});

test("too many tries say how long to wait", () => {
  const refusal = { type: "error", timestamp: 0, code: "RATE_LIMITED", message: "" } as const;
  const wait = (retryAfterSeconds: number) =>
    problemWords(errorOf({ ...refusal, details: { retryAfterSeconds } }), true);
  assert.match(wait(42), /in 42 seconds/);
  assert.match(wait(0.2), /in 1 second\./);
  assert.match(problemWords(errorOf(refusal), true), /Wait a moment/);
});

test("a connection that fails says whether this device is offline", () => {
  for (const error of [new ConnectionFailedError(""), new ConnectionLostError("")]) {
    assert.equal(problemWords(error, true), words.shared.cannotConnect);
    assert.equal(problemWords(error, false), words.shared.offline);
  }
});

test("no answer, a later release's code and anything else have words", () => {
  assert.equal(problemWords(new RequestTimeoutError(""), true), words.shared.noAnswer);
  const unknown = words.shared.unknownProblem;
  assert.equal(problemWords(new ServiceError("NEW_CODE", ""), true), unknown);
  assert.equal(problemWords(new WrongStateError(""), true), unknown);
  assert.equal(problemWords("?", true), unknown);
});
