import assert from "node:assert/strict";
import { test } from "node:test";

import * as errors from "../src/errors.ts";
import { ERROR_CODES, type ErrorFrame } from "../src/protocol.ts";

function frame(code: string, details?: ErrorFrame["details"]): ErrorFrame {
  const common = { type: "error", timestamp: 1, message: "no" } as const;
  return { ...common, code: code as ErrorFrame["code"], ...(details && { details }) };
}

/** INVALID_PASSCODE is an InvalidPasscodeError, and INTERNAL_ERROR an InternalError. */
function className(code: string): string {
  const words = code.split("_").map((word) => word.charAt(0) + word.slice(1).toLowerCase());
  return `${words.join("").replace(/Error$/, "")}Error`;
}

for (const code of [...ERROR_CODES, "INVALID_PASSCODE", "TRANSCRIPT_NOT_AVAILABLE"]) {
  test(`${code} has a class of its own`, () => {
    const error = errors.errorOf(frame(code));
    assert.equal(error.constructor.name, className(code));
    assert.equal(error.name, className(code));
    assert.equal(error.code, code);
    assert.equal(error.message, "no");
    assert.ok(error instanceof errors.ServiceError && error instanceof errors.LiveSessionsError);
    assert.ok(className(code) in errors);
  });
}

test("a code of a later release, or one like a property of every object, is a ServiceError", () => {
  for (const code of ["TOO_NEW", "toString", "__proto__"]) {
    const error = errors.errorOf(frame(code));
    assert.equal(error.constructor, errors.ServiceError);
    assert.equal(error.code, code);
  }
});

test("retryAfterSeconds is what the details have, if it is a number from 0", () => {
  const seconds = (details?: ErrorFrame["details"]): number | undefined =>
    errors.errorOf(frame("RATE_LIMITED", details)).retryAfterSeconds;
  assert.equal(seconds({ retryAfterSeconds: 12.5 }), 12.5);
  assert.equal(seconds({ retryAfterSeconds: "12" }), undefined);
  assert.equal(seconds({ retryAfterSeconds: -1 }), undefined);
  assert.equal(seconds(), undefined);
});

test("another attempt may help against trouble and limits, and never against a refusal", () => {
  const transient = [...ERROR_CODES, "INVALID_PASSCODE", "TRANSCRIPT_NOT_AVAILABLE"].filter(
    (code) => errors.isTransient(errors.errorOf(frame(code))),
  );
  assert.deepEqual(transient, [
    "ALREADY_IN_SESSION",
    "CONNECTION_NOT_FOUND",
    "INTERNAL_ERROR",
    "RATE_LIMITED",
    "SERVICE_UNAVAILABLE",
    "SESSION_FULL",
    "STATUS_TIMEOUT",
  ]);
  assert.ok(errors.isTransient(new errors.ConnectionLostError("lost")));
  assert.ok(!errors.isTransient(new Error("a bug")));
});
