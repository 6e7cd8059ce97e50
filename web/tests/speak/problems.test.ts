import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionFailedError,
  ERROR_CODES,
  MicrophoneError,
  RequestTimeoutError,
  errorOf,
  type MicrophoneProblem,
} from "live-sessions";

import { isSignInNeeded, speakerProblemWords } from "../../src/speak/problems.ts";
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

test("every error code has words for a speaker, and none is meant for listeners alone", () => {
  for (const code of ERROR_CODES.filter((each) => each !== "INVALID_PASSCODE")) {
    const text = speakerProblemWords(
      errorOf({ type: "error", timestamp: 0, code, message: "" }),
      true,
    );
    assert.match(text, /^[A-Z].+\.$/, code);
    assert.doesNotMatch(text, /join|invited|captions in this language/i, code);
    assert.notEqual(text, words.shared.unknownProblem, code);
  }
});

test("every microphone problem has its own words with a way out", () => {
  const texts = Object.keys(PROBLEMS).map((problem) =>
    speakerProblemWords(new MicrophoneError(problem as MicrophoneProblem, "x"), true),
  );
  assert.equal(new Set(texts).size, texts.length);
  for (const text of texts) assert.match(text, /start it again|needs https/);
});

test("every failed sign-in has its own words", () => {
  const problems = ["refused", "stale", "unreachable"] as const;
  const texts = problems.map((problem) =>
    speakerProblemWords(new SignInFailedError(problem), true),
  );
  assert.equal(new Set(texts).size, problems.length);
});

test("a token that cannot be had is about the sign-in, not about the connection", () => {
  const error = new ConnectionFailedError("no token", { cause: new SignInNeededError() });
  assert.ok(isSignInNeeded(error));
  assert.equal(speakerProblemWords(error, true), words.speak.signIn.expired);
  assert.equal(isSignInNeeded(new ConnectionFailedError("offline")), false);
});

test("a connection that fails may be the sign-in, unless this device is offline", () => {
  const error = new ConnectionFailedError("x");
  assert.equal(speakerProblemWords(error, true), words.speak.cannotConnect);
  assert.equal(speakerProblemWords(error, false), words.shared.offline);
  assert.equal(speakerProblemWords(new RequestTimeoutError("x"), true), words.shared.noAnswer);
});
