import type {
  AudioSource,
  BroadcastState,
  ConnectionRefreshComplete,
  ResumeOptions,
  SessionCreated,
  SessionOptions,
  SessionStatus,
  ShownCaption,
  SpeakerEvents,
} from "live-sessions";

import { SESSION, broadcastState } from "../../../clients/typescript/tests/frames.ts";
import type { SpeakerClient } from "../../src/speak/speaking.ts";

export function caption(sequence: number): ShownCaption {
  return {
    sequence,
    sourceLanguage: "en",
    targetLanguage: "en",
    text: `text ${sequence}`,
    originalText: `text ${sequence}`,
    isPartial: false,
    spokenAt: sequence,
    translated: false,
  };
}

export function status(
  listenerCount: number,
  languageDistribution: SessionStatus["languageDistribution"],
): SessionStatus {
  return {
    type: "sessionStatus",
    timestamp: 1,
    sessionId: SESSION,
    listenerCount,
    languageDistribution,
    sessionDuration: 5,
    broadcastState: broadcastState(),
    updateReason: "requested",
  };
}

type Handlers = { [Name in keyof SpeakerEvents]?: (event: SpeakerEvents[Name]) => unknown };

/** The client, whose service is the test. */
export class FakeSpeaker implements SpeakerClient {
  readonly calls: string[] = [];
  created: SessionOptions | undefined;
  resumed: ResumeOptions | undefined;
  source: AudioSource | undefined;
  isClosed = false;
  /** What the next calls do, in order; once there is none left they succeed. */
  readonly createFailures: Error[] = [];
  readonly resumeFailures: Error[] = [];
  readonly controlFailures: Error[] = [];
  readonly audioFailures: Error[] = [];
  /** What the next starts of audio wait for, in order, and fail with; without one left they succeed. */
  readonly audioHolds: Promise<void>[] = [];
  version = 1;
  readonly #handlers: Handlers = {};

  on<Name extends keyof SpeakerEvents>(
    name: Name,
    handler: (event: SpeakerEvents[Name]) => unknown,
  ): () => void {
    Object.assign(this.#handlers, { [name]: handler });
    return () => undefined;
  }

  emit<Name extends keyof SpeakerEvents>(name: Name, event: SpeakerEvents[Name]): void {
    const handler = this.#handlers[name];
    if (handler === undefined) throw new Error(`Nobody listens to ${name}.`);
    handler(event);
  }

  createSession(options: SessionOptions): Promise<SessionCreated> {
    this.created = options;
    const failure = this.createFailures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    return Promise.resolve({
      type: "sessionCreated",
      timestamp: 1,
      sessionId: SESSION,
      sourceLanguage: "en",
      sourceLocale: "en-US",
      qualityTier: "premium",
      sampleRateHertz: 16_000,
      access: "passcode",
      passcode: "123456",
      connectionId: "connection-1",
      expiresAt: 9_000_000,
    });
  }

  resumeSession(options: ResumeOptions): Promise<ConnectionRefreshComplete> {
    this.resumed = options;
    this.calls.push("resumeSession");
    const failure = this.resumeFailures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    return Promise.resolve({
      type: "connectionRefreshComplete",
      timestamp: 1,
      sessionId: options.sessionId,
      connectionId: "connection-2",
      broadcastState: broadcastState(3, { isPaused: true }),
      sampleRateHertz: 24_000,
      passcode: "654321",
      expiresAt: 9_000_000,
    });
  }

  end(): Promise<void> {
    this.calls.push("end");
    const failure = this.controlFailures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    this.emit("ended", { sessionId: SESSION, reason: "speakerEnded", error: undefined });
    return Promise.resolve();
  }

  pause(): Promise<BroadcastState> {
    return this.#control("pause", { isPaused: true });
  }

  resume(): Promise<BroadcastState> {
    return this.#control("resume", { isPaused: false });
  }

  mute(): Promise<BroadcastState> {
    return this.#control("mute", { isMuted: true });
  }

  unmute(): Promise<BroadcastState> {
    return this.#control("unmute", { isMuted: false });
  }

  setVolume(volume: number): Promise<BroadcastState> {
    return this.#control(`setVolume ${volume}`, { volume });
  }

  getStatus(): Promise<SessionStatus> {
    this.calls.push("getStatus");
    const answer = status(0, {});
    this.emit("status", answer);
    return Promise.resolve(answer);
  }

  startAudio(source: AudioSource): Promise<void> {
    const failure = this.audioFailures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    this.source = source;
    return this.audioHolds.shift() ?? Promise.resolve();
  }

  stopAudio(): Promise<void> {
    this.source = undefined;
    return Promise.resolve();
  }

  retryNow(): void {
    this.calls.push("retryNow");
  }

  close(): void {
    this.isClosed = true;
  }

  #control(call: string, changes: Partial<BroadcastState>): Promise<BroadcastState> {
    this.calls.push(call);
    const failure = this.controlFailures.shift();
    if (failure !== undefined) return Promise.reject(failure);
    this.version += 1;
    return Promise.resolve(broadcastState(this.version, changes));
  }
}
