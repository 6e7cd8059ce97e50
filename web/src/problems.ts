import {
  ConnectionFailedError,
  ConnectionLostError,
  ERROR_CODES,
  RateLimitedError,
  RequestTimeoutError,
  ServiceError,
} from "live-sessions";

import { words } from "./words.ts";

/** What went wrong, and the way out, in the reader's words. */
export function problemWords(error: unknown, isOnline: boolean): string {
  if (error instanceof RateLimitedError) {
    const wait = error.retryAfterSeconds;
    return words.shared.problems.RATE_LIMITED(wait === undefined ? undefined : Math.ceil(wait));
  }
  if (error instanceof ServiceError) {
    const code = ERROR_CODES.find((known) => known === error.code);
    // A code of a later release has no words here.
    if (code === undefined || code === "RATE_LIMITED") return words.shared.unknownProblem;
    return words.shared.problems[code];
  }
  if (error instanceof RequestTimeoutError) return words.shared.noAnswer;
  if (error instanceof ConnectionFailedError || error instanceof ConnectionLostError) {
    return isOnline ? words.shared.cannotConnect : words.shared.offline;
  }
  return words.shared.unknownProblem;
}
