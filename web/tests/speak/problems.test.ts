import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionFailedError,
  ConnectionLostError,
  ERROR_CODES,
  MicrophoneError,
  RequestTimeoutError,
  ServiceError,
  type MicrophoneProblem,
} from "live-sessions";

import { isSignInNeeded, wordsFor } from "../../src/speak/problems.ts";
import { SignInFailedError, SignInNeededError } from "../../src/speak/sign-in.ts";
import { words } from "../../src/words.ts";

/** By type, none is left out. */
const PROBLEMS: Record<MicrophoneProblem, true> = {
  refused: true,
  missing: true,
  unusable: true,
  unsupported: true,
  lost: true,
};

test("every error code has words, and they are not the service's", () => {
  for (const code of ERROR_CODES) {
    const text = wordsFor(new ServiceError(code, "the service's own words"));
    assert.match(text, /^[A-Z].+\.$/, code);
    assert.notEqual(text, words.speak.unexpected, code);
    assert.notEqual(text, "the service's own words", code);
  }
  assert.deepEqual(Object.keys(words.speak.errors).sort(), [...ERROR_CODES].sort());
});

test("the code of a later release is said in the service's own words", () => {
  assert.equal(wordsFor(new ServiceError("TOO_HOT", "It is too hot.")), "It is too hot.");
});

test("every microphone problem has its own words with a way out", () => {
  const texts = Object.keys(PROBLEMS).map((problem) =>
    wordsFor(new MicrophoneError(problem as MicrophoneProblem, "x")),
  );
  assert.equal(new Set(texts).size, texts.length);
  for (const text of texts) assert.match(text, /start it again|needs https/);
});

test("every failed sign-in has its own words", () => {
  const problems = ["refused", "stale", "unreachable"] as const;
  const texts = problems.map((problem) => wordsFor(new SignInFailedError(problem)));
  assert.equal(new Set(texts).size, problems.length);
});

test("a token that cannot be had is about the sign-in, not about the connection", () => {
  const error = new ConnectionFailedError("no token", { cause: new SignInNeededError() });
  assert.ok(isSignInNeeded(error));
  assert.equal(wordsFor(error), words.speak.signIn.expired);
  assert.equal(isSignInNeeded(new ConnectionFailedError("offline")), false);
});

test("a lost connection, a missing answer and anything else have words", () => {
  assert.equal(wordsFor(new ConnectionFailedError("x")), words.speak.connectionFailed);
  assert.equal(wordsFor(new ConnectionLostError("x")), words.speak.notAnswered);
  assert.equal(wordsFor(new RequestTimeoutError("x")), words.speak.notAnswered);
  assert.equal(wordsFor(new TypeError("x")), words.speak.unexpected);
});
