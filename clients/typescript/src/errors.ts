import type { ErrorCode, ErrorFrame } from "./protocol.ts";

/** Whatever this package throws or reports. */
export class LiveSessionsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The socket could not be opened. A browser does not say why: it may also be the token or the URL. */
export class ConnectionFailedError extends LiveSessionsError {}

/**
 * The socket was lost, or did not answer in time, while an answer was awaited. What was asked for may
 * have been done nevertheless.
 */
export class ConnectionLostError extends LiveSessionsError {}

/** There was no answer in time; what was asked for may have been done nevertheless. */
export class RequestTimeoutError extends LiveSessionsError {}

/** The client was closed, or what it was asked for makes no sense in the state that it is in. */
export class WrongStateError extends LiveSessionsError {}

type Details = Readonly<Record<string, unknown>>;

/** What the service refused; docs/protocol.md says what each code means and what to do. */
export class ServiceError extends LiveSessionsError {
  readonly code: string;
  readonly details: Details;

  constructor(code: string, message: string, details: Details = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }

  /** The wait that the service asks for before another attempt, if it asks for one. */
  get retryAfterSeconds(): number | undefined {
    const seconds = this.details["retryAfterSeconds"];
    return typeof seconds === "number" && seconds >= 0 ? seconds : undefined;
  }
}

export class AlreadyInSessionError extends ServiceError {}
export class AudioTooLargeError extends ServiceError {}
export class ConnectionNotFoundError extends ServiceError {}
export class InternalError extends ServiceError {}
export class InvalidActionError extends ServiceError {}
export class InvalidAudioError extends ServiceError {}
export class InvalidMessageError extends ServiceError {}
export class InvalidParameterError extends ServiceError {}
export class InvalidPasscodeError extends ServiceError {}
export class MessageTooLargeError extends ServiceError {}
export class MissingActionError extends ServiceError {}
export class RateLimitedError extends ServiceError {}
export class ServiceUnavailableError extends ServiceError {}
export class SessionEndedError extends ServiceError {}
export class SessionFullError extends ServiceError {}
export class SessionNotFoundError extends ServiceError {}
export class StatusTimeoutError extends ServiceError {}
export class TranscriptNotAvailableError extends ServiceError {}
export class UnauthorizedActionError extends ServiceError {}
export class UnsupportedLanguageError extends ServiceError {}

const CLASSES: Readonly<Record<ErrorCode, typeof ServiceError>> = {
  ALREADY_IN_SESSION: AlreadyInSessionError,
  AUDIO_TOO_LARGE: AudioTooLargeError,
  CONNECTION_NOT_FOUND: ConnectionNotFoundError,
  INTERNAL_ERROR: InternalError,
  INVALID_ACTION: InvalidActionError,
  INVALID_AUDIO: InvalidAudioError,
  INVALID_MESSAGE: InvalidMessageError,
  INVALID_PARAMETER: InvalidParameterError,
  INVALID_PASSCODE: InvalidPasscodeError,
  MESSAGE_TOO_LARGE: MessageTooLargeError,
  MISSING_ACTION: MissingActionError,
  RATE_LIMITED: RateLimitedError,
  SERVICE_UNAVAILABLE: ServiceUnavailableError,
  SESSION_ENDED: SessionEndedError,
  SESSION_FULL: SessionFullError,
  SESSION_NOT_FOUND: SessionNotFoundError,
  STATUS_TIMEOUT: StatusTimeoutError,
  TRANSCRIPT_NOT_AVAILABLE: TranscriptNotAvailableError,
  UNAUTHORIZED_ACTION: UnauthorizedActionError,
  UNSUPPORTED_LANGUAGE: UnsupportedLanguageError,
};

/** The error of a frame, in the class of its code; a code of a later release is a ServiceError. */
export function errorOf(frame: ErrorFrame): ServiceError {
  const type = Object.hasOwn(CLASSES, frame.code) ? CLASSES[frame.code] : ServiceError;
  return new type(frame.code, frame.message, frame.details);
}

/**
 * Whether another attempt on a new socket may succeed: the connection, the service or a limit is the
 * reason. Anything else is refused again.
 */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof ConnectionFailedError ||
    error instanceof ConnectionLostError ||
    error instanceof ConnectionNotFoundError ||
    error instanceof RequestTimeoutError ||
    error instanceof InternalError ||
    error instanceof RateLimitedError ||
    error instanceof ServiceUnavailableError ||
    error instanceof StatusTimeoutError ||
    error instanceof AlreadyInSessionError ||
    error instanceof SessionFullError
  );
}
