import {
  TranscriptNotAvailableError,
  isTransient,
  type Clock,
  type Speaker,
  type TranscriptLink,
} from "live-sessions";

import { words } from "../words.ts";
import { speakerProblemWords } from "./problems.ts";
import { Store } from "./store.ts";

export type TranscriptFormat = TranscriptLink["format"];

export const TRANSCRIPT_FORMATS: readonly TranscriptFormat[] = ["txt", "srt", "vtt", "json"];

/** The wait before each further question; the last one again and again. */
const WAITS_MILLISECONDS = [2_000, 5_000, 10_000, 20_000, 30_000] as const;
/** The service writes a transcript within minutes; afterwards the person asks. */
const GIVE_UP_MILLISECONDS = 15 * 60_000;

export type TranscriptState =
  | { readonly stage: "waiting" }
  | { readonly stage: "late"; readonly problem: string }
  | { readonly stage: "ready"; readonly download: DownloadState };

export type DownloadState =
  | { readonly state: "idle" }
  | { readonly state: "preparing" }
  | { readonly state: "started" }
  | { readonly state: "failed"; readonly problem: string };

/** The downloads of one session's transcript, which is written about a minute after its end. */
export class TranscriptDownloads {
  readonly state = new Store<TranscriptState>({ stage: "waiting" });
  readonly #speaker: Pick<Speaker, "getTranscript">;
  readonly #sessionId: string;
  readonly #clock: Clock;
  readonly #open: (url: string) => void;
  readonly #isOnline: () => boolean;
  #isStopped = false;
  #cancelWait: () => void = () => undefined;

  /** `open` starts the download of a link. */
  constructor(
    speaker: Pick<Speaker, "getTranscript">,
    sessionId: string,
    clock: Clock,
    open: (url: string) => void,
    isOnline: () => boolean,
  ) {
    this.#speaker = speaker;
    this.#sessionId = sessionId;
    this.#clock = clock;
    this.#open = open;
    this.#isOnline = isOnline;
  }

  /** Asks until it is there, but not for ever. */
  async waitUntilWritten(): Promise<void> {
    this.state.set({ stage: "waiting" });
    const until = this.#clock.now() + GIVE_UP_MILLISECONDS;
    for (let attempt = 0; !this.#stopped(); attempt += 1) {
      try {
        await this.#speaker.getTranscript({ sessionId: this.#sessionId });
        this.state.set({ stage: "ready", download: { state: "idle" } });
        return;
      } catch (error) {
        const isLater = error instanceof TranscriptNotAvailableError || isTransient(error);
        if (!isLater || this.#clock.now() >= until) {
          this.state.set({ stage: "late", problem: this.#problemOf(error) });
          return;
        }
      }
      await this.#wait(WAITS_MILLISECONDS[Math.min(attempt, WAITS_MILLISECONDS.length - 1)] ?? 0);
    }
  }

  /** Without a language: the one that was spoken. */
  async download(language: string | undefined, format: TranscriptFormat): Promise<void> {
    this.#set({ state: "preparing" });
    try {
      const { url } = await this.#speaker.getTranscript({
        sessionId: this.#sessionId,
        format,
        ...(language !== undefined && { language }),
      });
      this.#open(url);
      this.#set({ state: "started" });
    } catch (error) {
      this.#set({ state: "failed", problem: speakerProblemWords(error, this.#isOnline()) });
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelWait();
  }

  #set(download: DownloadState): void {
    this.state.set({ stage: "ready", download });
  }

  /** By a function, since the value changes during what is awaited. */
  #stopped(): boolean {
    return this.#isStopped;
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(milliseconds, resolve);
      this.#cancelWait = () => {
        cancel();
        resolve();
      };
    });
  }

  #problemOf(error: unknown): string {
    const { late, failed } = words.speak.transcript;
    if (error instanceof TranscriptNotAvailableError) return late;
    return failed(speakerProblemWords(error, this.#isOnline()));
  }
}
