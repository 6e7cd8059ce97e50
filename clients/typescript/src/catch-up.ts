import { waitAfterRefusal, waitMilliseconds, type Backoff } from "./backoff.ts";
import type { CaptionFeed } from "./caption-feed.ts";
import type { CaptionHistory } from "./protocol.ts";
import type { Clock } from "./clock.ts";
import { ServiceError, isTransient } from "./errors.ts";

/** The service's index of listeners may lag, and a caption may be written late: ask again then. */
export const SECOND_QUESTION_MILLISECONDS = 4_000;
export const SECOND_QUESTION_SPREAD_MILLISECONDS = 2_000;
/** Live captions are held back no longer than this, whatever becomes of the history. */
export const HOLD_LIMIT_MILLISECONDS = 5_000;
export const CAPTIONS_AT_JOIN = 20;
export const CAPTIONS_PER_PAGE = 100;
const BACKOFF: Backoff = { firstMilliseconds: 1_000, mostMilliseconds: 10_000 };
const MOST_FAILURES = 10;

/** The questions about one gap. */
interface Asking {
  isStopped: boolean;
  cancelTimers: (() => void)[];
}

const Answer = { Given: "given", Refused: "refused", Failed: "failed" } as const;
type Answer = (typeof Answer)[keyof typeof Answer];

export type AskForCaptions = (question: {
  readonly since?: number;
  readonly limit: number;
}) => Promise<CaptionHistory>;

/**
 * Asks for the captions that a gap may have swallowed: at once, and some seconds later for the same
 * once more.
 */
export class CatchUp {
  readonly #feed: CaptionFeed;
  readonly #clock: Clock;
  readonly #ask: AskForCaptions;
  #run: Asking | undefined;

  constructor(feed: CaptionFeed, clock: Clock, ask: AskForCaptions) {
    this.#feed = feed;
    this.#clock = clock;
    this.#ask = ask;
  }

  /** From here on captions may be missed; questions about an earlier gap are given up for this one. */
  beginGap(): void {
    this.#startRun();
    this.#feed.beginGap();
  }

  /** Captions are received again: asks for those of the gap. */
  endGap(): void {
    const run = this.#startRun();
    this.#feed.hold();
    void this.#catchUp(run);
  }

  stop(): void {
    if (this.#run === undefined) return;
    this.#run.isStopped = true;
    for (const cancel of this.#run.cancelTimers) cancel();
    this.#run = undefined;
  }

  #startRun(): Asking {
    this.stop();
    const run: Asking = { isStopped: false, cancelTimers: [] };
    this.#run = run;
    const release = (): void => {
      this.#feed.release();
    };
    run.cancelTimers.push(this.#clock.after(HOLD_LIMIT_MILLISECONDS, release));
    return run;
  }

  async #catchUp(run: Asking): Promise<void> {
    const { questions } = this.#feed;
    let answer = await this.#askUntilAnswered(run, questions);
    if (!isGoing(run)) return;
    this.#feed.release();
    if (answer === Answer.Given) {
      this.#feed.answered();
      const spread = this.#clock.random() * SECOND_QUESTION_SPREAD_MILLISECONDS;
      await this.#wait(run, SECOND_QUESTION_MILLISECONDS + spread);
      answer = await this.#askUntilAnswered(run, questions);
      if (!isGoing(run)) return;
    }
    if (answer === Answer.Failed) this.#feed.leaveOpen();
    else this.#feed.settle();
  }

  async #askUntilAnswered(
    run: Asking,
    questions: readonly (number | undefined)[],
  ): Promise<Answer> {
    for (let failures = 1; failures <= MOST_FAILURES && isGoing(run); failures += 1) {
      try {
        for (const since of questions) await this.#askForAll(run, since);
        return Answer.Given;
      } catch (error) {
        // A service before this message does not know it; any other refusal would be repeated, too.
        if (!isTransient(error)) return Answer.Refused;
        let wait = waitMilliseconds(BACKOFF, failures, this.#clock.random());
        if (error instanceof ServiceError && error.retryAfterSeconds !== undefined) {
          wait = Math.max(wait, waitAfterRefusal(error.retryAfterSeconds, this.#clock.random()));
        }
        await this.#wait(run, wait);
      }
    }
    return Answer.Failed;
  }

  async #askForAll(run: Asking, since: number | undefined): Promise<void> {
    let after = since;
    for (;;) {
      const reply = await this.#ask(
        after === undefined
          ? { limit: CAPTIONS_AT_JOIN }
          : { since: after, limit: CAPTIONS_PER_PAGE },
      );
      if (run.isStopped) return;
      this.#feed.receiveHistory(reply.captions);
      const last = reply.captions.at(-1);
      // Without a caption there is no next page, whatever the reply says.
      if (reply.isComplete || last === undefined || last.sequence <= (after ?? -1)) return;
      after = last.sequence;
    }
  }

  #wait(run: Asking, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      run.cancelTimers.push(this.#clock.after(milliseconds, resolve));
    });
  }
}

/** By a function, since the value changes during what is awaited. */
function isGoing(run: Asking): boolean {
  return !run.isStopped;
}
