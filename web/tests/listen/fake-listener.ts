import type { JoinOptions, ListenerEvents, SessionJoined, TargetLanguage } from "live-sessions";

import type { ListenerClient } from "../../src/listen/listen-session.ts";
import { caption } from "./captions.ts";

export const BROADCAST = {
  isActive: true,
  isPaused: false,
  isMuted: false,
  volume: 1,
  version: 1,
  lastStateChange: 0,
} as const;

export const JOINED: SessionJoined = {
  type: "sessionJoined",
  timestamp: 0,
  sessionId: "calm-owl-1",
  targetLanguage: "es",
  sourceLanguage: "en",
  connectionId: "c",
  broadcastState: BROADCAST,
  isTranscriptKept: false,
};

type Handler = (event: never) => unknown;

/** A Listener whose service does what a test says. */
export class FakeListener implements ListenerClient {
  readonly calls: string[] = [];
  session: SessionJoined | undefined;
  /** What was asked for when it was joined last. */
  asked: JoinOptions | undefined;
  /** What the next request is answered with, instead of success. */
  refusal: Error | undefined;
  /** Ends `leave`. */
  left: () => void = () => undefined;
  readonly #handlers = new Map<string, Handler[]>();

  on<Name extends keyof ListenerEvents>(
    name: Name,
    handler: (event: ListenerEvents[Name]) => unknown,
  ): () => void {
    this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), handler]);
    return () => undefined;
  }

  emit<Name extends keyof ListenerEvents>(name: Name, event: ListenerEvents[Name]): void {
    for (const handler of this.#handlers.get(name) ?? []) handler(event as never);
  }

  /** The service sends a final caption. */
  hear(sequence: number, isLate = false): void {
    this.emit("caption", { caption: caption(sequence), isLate });
  }

  async join(options: JoinOptions): Promise<SessionJoined> {
    this.asked = options;
    await this.#call("join");
    const joined = { ...JOINED, targetLanguage: options.targetLanguage as TargetLanguage };
    this.emit("joined", joined);
    return joined;
  }

  async changeLanguage(tag: string): Promise<TargetLanguage> {
    await this.#call(`changeLanguage ${tag}`);
    this.emit("languageChanged", { targetLanguage: tag as TargetLanguage });
    return tag as TargetLanguage;
  }

  pausePlayback(): Promise<void> {
    return this.#call("pausePlayback");
  }

  resumePlayback(): Promise<void> {
    return this.#call("resumePlayback");
  }

  leave(): Promise<void> {
    this.calls.push("leave");
    return new Promise((resolve) => {
      this.left = resolve;
    });
  }

  retryNow(): void {
    this.calls.push("retryNow");
  }

  close(): void {
    this.calls.push("close");
    this.left();
  }

  async #call(name: string): Promise<void> {
    this.calls.push(name);
    await Promise.resolve();
    if (this.refusal !== undefined) throw this.refusal;
  }
}
