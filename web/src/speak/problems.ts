import { ConnectionFailedError, MicrophoneError, ServiceError } from "live-sessions";

import { problemWords } from "../problems.ts";
import { words } from "../words.ts";
import { SignInFailedError, SignInNeededError } from "./sign-in.ts";

const BY_CODE: Readonly<Record<string, string | undefined>> = words.speak.problems;

/** What went wrong and the way out of it, in a speaker's words. */
export function speakerProblemWords(error: unknown, isOnline: boolean): string {
  if (isSignInNeeded(error)) return words.speak.signIn.expired;
  if (error instanceof SignInFailedError) return words.speak.signIn.problems[error.problem];
  if (error instanceof MicrophoneError) return words.speak.microphone[error.problem];
  const own = error instanceof ServiceError ? BY_CODE[error.code] : undefined;
  if (own !== undefined) return own;
  // A browser does not say whether it was the network or the token.
  if (error instanceof ConnectionFailedError && isOnline) return words.speak.cannotConnect;
  return problemWords(error, isOnline);
}

/** Whether no token could be had until the person signs in again. */
export function isSignInNeeded(error: unknown): boolean {
  return (
    error instanceof SignInNeededError ||
    (error instanceof Error && error.cause instanceof SignInNeededError)
  );
}
