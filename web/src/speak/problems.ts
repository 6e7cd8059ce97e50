import {
  ConnectionFailedError,
  ConnectionLostError,
  MicrophoneError,
  RequestTimeoutError,
  ServiceError,
} from "live-sessions";

import { words } from "../words.ts";
import { SignInFailedError, SignInNeededError } from "./sign-in.ts";

const BY_CODE: Readonly<Record<string, string>> = words.speak.errors;

/** What went wrong and the way out of it, in words. */
export function wordsFor(error: unknown): string {
  if (isSignInNeeded(error)) return words.speak.signIn.expired;
  if (error instanceof SignInFailedError) return words.speak.signIn.problems[error.problem];
  if (error instanceof MicrophoneError) return words.speak.microphone[error.problem];
  if (error instanceof ServiceError) return BY_CODE[error.code] ?? error.message;
  if (error instanceof ConnectionFailedError) return words.speak.connectionFailed;
  if (error instanceof ConnectionLostError || error instanceof RequestTimeoutError) {
    return words.speak.notAnswered;
  }
  return words.speak.unexpected;
}

/** Whether no token could be had until the person signs in again. */
export function isSignInNeeded(error: unknown): boolean {
  return (
    error instanceof SignInNeededError ||
    (error instanceof Error && error.cause instanceof SignInNeededError)
  );
}
