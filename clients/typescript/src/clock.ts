/** What the client needs of time and chance; tests bring their own. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number;
  /** Calls `action` once after `milliseconds`, unless it is cancelled by the returned function. */
  after(milliseconds: number, action: () => void): () => void;
  /** A random number from 0 up to but not including 1. */
  random(): number;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
};
