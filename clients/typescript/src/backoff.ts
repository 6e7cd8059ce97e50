/** How long to wait before another attempt. */
export interface Backoff {
  /** The most that is waited before the first attempt after a failure; it doubles with each one. */
  readonly firstMilliseconds: number;
  readonly mostMilliseconds: number;
}

/** No attempt follows a failure sooner, so that no chance makes a tight loop. */
export const LEAST_WAIT_MILLISECONDS = 50;

/**
 * The wait after `failures` failures in a row: anything up to the limit ("full jitter"), so that
 * clients that were cut off together do not return together.
 *
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function waitMilliseconds(backoff: Backoff, failures: number, random: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  const limit = Math.min(backoff.firstMilliseconds * 2 ** doublings, backoff.mostMilliseconds);
  return Math.max(LEAST_WAIT_MILLISECONDS, random * limit);
}

/**
 * The wait that a refusal asks for, and up to a quarter more: others may have been refused in the
 * same second.
 */
export function waitAfterRefusal(retryAfterSeconds: number, random: number): number {
  return retryAfterSeconds * 1000 * (1 + random / 4);
}
