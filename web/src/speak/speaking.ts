import {
  ConnectionNotFoundError,
  MicrophoneError,
  SessionEndedError,
  SessionNotFoundError,
  isTransient,
  type AudioSource,
  type BroadcastState,
  type Clock,
  type ConnectionState,
  type EndReason,
  type SessionStatus,
  type ShownCaption,
  type Speaker,
} from "live-sessions";

import type { Kept } from "../look/kept.ts";
import { words } from "../words.ts";
import type { Choices } from "./choices.ts";
import { readSession, writeSession, type KeptSession, type SessionEnd } from "./kept-session.ts";
import { LoudnessWatch, SILENCE, nextReading, type Loudness, type MeterReading } from "./level.ts";
import { withNotice, withoutNotices, type Notice, type NoticeKind } from "./notices.ts";
import { isSignInNeeded, speakerProblemWords } from "./problems.ts";
import { Store } from "./store.ts";
import type { Tabs } from "./tabs.ts";

/** How long a session that could not be reached is waited for before each further attempt. */
const RESUME_WAITS_MILLISECONDS = [500, 1_000, 2_000, 4_000, 8_000] as const;
/** How long a warning stays that nothing takes back. */
const NOTICE_MILLISECONDS = 20_000;
/** The list of what was understood is cut at the top: a session lasts for hours. */
const MOST_CAPTIONS = 500;
/** 10 s: speakers pause, and browsers take out the noise of a silent room. */
const LOUDNESS_LEVELS = 100;

export type Microphone = "off" | "starting" | "on";

/** What the page shows of a session that is live. */
export interface LiveSession {
  readonly sessionId: string;
  readonly passcode: string | undefined;
  /** Epoch milliseconds, by this computer's clock. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number | undefined;
  readonly connection: ConnectionState;
  readonly broadcast: BroadcastState | undefined;
  readonly microphone: Microphone;
  readonly loudness: Loudness | undefined;
  readonly listenerCount: number;
  readonly languageDistribution: SessionStatus["languageDistribution"];
  readonly captions: readonly ShownCaption[];
  readonly partial: ShownCaption | undefined;
  readonly notices: readonly Notice[];
  readonly isEnding: boolean;
}

export type SpeakingState =
  /** No session yet; `problem`: why the last attempt failed, in words. */
  | { readonly stage: "preparing"; readonly problem: string | undefined }
  | { readonly stage: "starting" }
  /** A session is taken back; `problem`: why it takes so long. */
  | { readonly stage: "resuming"; readonly problem: string | undefined }
  | { readonly stage: "live"; readonly session: LiveSession }
  /** The session may go on, but not in this tab. */
  | { readonly stage: "apart"; readonly isElsewhere: boolean; readonly problem: string }
  /** Nothing goes on until the person has signed in again. */
  | { readonly stage: "signedOut" }
  | { readonly stage: "over"; readonly session: KeptSession; readonly end: SessionEnd };

/** The part of the client's Speaker that is used. */
export type SpeakerClient = Pick<
  Speaker,
  | "on"
  | "createSession"
  | "resumeSession"
  | "end"
  | "pause"
  | "resume"
  | "mute"
  | "unmute"
  | "setVolume"
  | "getStatus"
  | "startAudio"
  | "stopAudio"
  | "retryNow"
  | "close"
>;

export interface SpeakingOptions {
  readonly speaker: SpeakerClient;
  readonly microphone: (deviceId: string | undefined, sampleRateHertz: number) => AudioSource;
  /** Of this tab alone. */
  readonly keptForTab: Kept;
  readonly tabs: Tabs;
  readonly clock: Clock;
  readonly isOnline: () => boolean;
}

/** One session after another: what the speaker page shows, and what its buttons do. */
export class Speaking {
  readonly state = new Store<SpeakingState>({ stage: "preparing", problem: undefined });
  /** Apart from the rest, since it changes ten times a second. */
  readonly meter = new Store<MeterReading>(SILENCE);
  readonly #options: SpeakingOptions;
  readonly #speaker: SpeakerClient;
  readonly #noticeTimers = new Map<NoticeKind, () => void>();
  #loudness = new LoudnessWatch(LOUDNESS_LEVELS);
  #sampleRateHertz = 16_000;
  /** Rises with each session and each attempt to have one: what belongs to an earlier one is dropped. */
  #turn = 0;
  /** Rises with each start, stop and failure of the microphone: what comes of an earlier start is dropped. */
  #microphoneTurn = 0;
  #endWait: () => void = () => undefined;

  constructor(options: SpeakingOptions) {
    this.#options = options;
    this.#speaker = options.speaker;
    this.#listen();
    options.tabs.onTaken((sessionId) => {
      if (this.#live()?.sessionId !== sessionId) return;
      this.#speaker.close();
      this.#leaveTo(words.speak.apart.elsewhere, true);
    });
  }

  /** What was kept of this tab's session, if it has one. */
  get kept(): KeptSession | undefined {
    return readSession(this.#options.keptForTab);
  }

  /** Goes on where this tab was before it was loaded again. */
  async restore(): Promise<void> {
    const kept = this.kept;
    if (kept === undefined) return;
    if (kept.end !== undefined) {
      this.state.set({ stage: "over", session: kept, end: kept.end });
    } else if (kept.isElsewhere) {
      this.#leaveTo(words.speak.apart.elsewhere, true);
    } else {
      await this.takeBack();
    }
  }

  /** Creates a session and starts the microphone in it. */
  async begin(choices: Choices): Promise<void> {
    const turn = this.#nextTurn();
    this.state.set({ stage: "starting" });
    const { clock } = this.#options;
    try {
      const created = await this.#speaker.createSession({
        sourceLanguage: choices.sourceLanguage,
        access: choices.hasPasscode ? "passcode" : "open",
        qualityTier: choices.showsPartialCaptions ? "premium" : "standard",
        keepTranscript: choices.keepsTranscript,
        receiveCaptions: true,
      });
      if (turn !== this.#turn) return;
      this.#keep({
        sessionId: created.sessionId,
        startedAt: clock.now(),
        sourceLanguage: created.sourceLanguage,
        keepsTranscript: choices.keepsTranscript,
        isMicrophoneOn: true,
        microphoneId: choices.microphoneId,
        mostListeners: 0,
        captionCount: 0,
        readLanguages: [],
        isElsewhere: false,
        end: undefined,
      });
      this.#sampleRateHertz = created.sampleRateHertz;
      this.#goLive(created.sessionId, created.passcode, created.expiresAt, undefined);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (isSignInNeeded(error)) this.state.set({ stage: "signedOut" });
      else this.state.set({ stage: "preparing", problem: this.#words(error) });
      return;
    }
    await this.startMicrophone(choices.microphoneId);
  }

  /** Takes this tab's session back from a lost socket, or from wherever it goes on. */
  async takeBack(): Promise<void> {
    const kept = this.kept;
    if (kept === undefined) return;
    const turn = this.#nextTurn();
    this.state.set({ stage: "resuming", problem: undefined });
    for (let attempt = 0; ; attempt += 1) {
      try {
        const reply = await this.#speaker.resumeSession({
          sessionId: kept.sessionId,
          receiveCaptions: true,
        });
        if (turn !== this.#turn) return;
        this.#keep({ ...kept, isElsewhere: false });
        this.#options.tabs.announce(kept.sessionId);
        this.#sampleRateHertz = reply.sampleRateHertz ?? this.#sampleRateHertz;
        this.#goLive(kept.sessionId, reply.passcode, reply.expiresAt, reply.broadcastState);
        break;
      } catch (error) {
        if (turn !== this.#turn) return;
        if (isSignInNeeded(error)) {
          this.state.set({ stage: "signedOut" });
          return;
        }
        if (isOver(error)) {
          this.#finish(undefined);
          return;
        }
        if (!isTransient(error)) {
          this.#leaveTo(words.speak.apart.failed(this.#words(error)), false);
          return;
        }
        this.state.set({ stage: "resuming", problem: this.#words(error) });
        const last = RESUME_WAITS_MILLISECONDS.length - 1;
        await this.#wait(RESUME_WAITS_MILLISECONDS[Math.min(attempt, last)] ?? 0);
        if (turn !== this.#turn) return;
      }
    }
    void this.#readStatus();
    if (kept.isMicrophoneOn) await this.startMicrophone(kept.microphoneId);
  }

  /** Forgets this tab's session, which is over or was given up. */
  prepare(): void {
    this.#nextTurn();
    this.#speaker.close();
    writeSession(this.#options.keptForTab, undefined);
    this.state.set({ stage: "preparing", problem: undefined });
  }

  async startMicrophone(deviceId: string | undefined): Promise<void> {
    this.#microphoneTurn += 1;
    const turn = this.#microphoneTurn;
    this.#loudness = new LoudnessWatch(LOUDNESS_LEVELS);
    this.#without("microphone");
    this.#change({ microphone: "starting", loudness: undefined });
    try {
      await this.#speaker.startAudio(this.#options.microphone(deviceId, this.#sampleRateHertz));
      if (turn !== this.#microphoneTurn) return;
      this.#change({ microphone: "on" });
      this.#update({ isMicrophoneOn: true, microphoneId: deviceId });
    } catch (error) {
      if (turn === this.#microphoneTurn) this.#microphoneFailed(error);
    }
  }

  async stopMicrophone(): Promise<void> {
    this.#microphoneTurn += 1;
    this.#change({ microphone: "off", loudness: undefined });
    this.meter.set(SILENCE);
    this.#update({ isMicrophoneOn: false });
    await this.#speaker.stopAudio();
  }

  pause(): Promise<void> {
    return this.#control(() => this.#speaker.pause());
  }

  resume(): Promise<void> {
    return this.#control(() => this.#speaker.resume());
  }

  mute(): Promise<void> {
    return this.#control(() => this.#speaker.mute());
  }

  unmute(): Promise<void> {
    return this.#control(() => this.#speaker.unmute());
  }

  setVolume(volume: number): Promise<void> {
    return this.#control(() => this.#speaker.setVolume(volume));
  }

  /** Ends the session for everyone. */
  async end(): Promise<void> {
    const turn = this.#turn;
    this.#change({ isEnding: true });
    try {
      await this.#speaker.end();
      if (turn === this.#turn) this.#finish("speakerEnded");
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#change({ isEnding: false });
      this.#notice("control", words.speak.notices.endFailed(this.#words(error)));
    }
  }

  dismiss(kind: NoticeKind): void {
    this.#without(kind);
  }

  /** Tries at once what is waited for. */
  retryNow(): void {
    this.#speaker.retryNow();
    this.#endWait();
  }

  /** Finds out whether the session still belongs to this tab, such as when the tab is seen again. */
  async check(): Promise<void> {
    if (this.#live()?.connection.state === "connected") await this.#readStatus();
  }

  #listen(): void {
    const speaker = this.#speaker;
    speaker.on("connection", (connection) => {
      this.#change({ connection });
      if (connection.state !== "reconnecting") this.#without("signIn");
      else if (isSignInNeeded(connection.error)) {
        this.#notice("signIn", words.speak.signIn.expired);
      }
    });
    speaker.on("broadcast", (broadcast) => {
      this.#change({ broadcast });
    });
    speaker.on("status", (status) => {
      this.#received(status);
    });
    speaker.on("caption", ({ caption, isLate }) => {
      this.#understood(caption, isLate);
    });
    speaker.on("partialCaption", ({ caption }) => {
      this.#change({ partial: caption });
    });
    speaker.on("audioLevel", (level) => {
      this.meter.set(nextReading(this.meter.value, level));
      this.#loudness.add(level);
      const { announced } = this.#loudness;
      if (announced !== this.#live()?.loudness) this.#change({ loudness: announced });
    });
    speaker.on("audioEnded", ({ error }) => {
      this.#microphoneFailed(error ?? new MicrophoneError("lost", "The microphone has ended."));
    });
    speaker.on("rateLimitWarning", ({ closesAfterSeconds }) => {
      this.#notice("rateLimit", words.speak.notices.rateLimit(closesAfterSeconds));
      this.#withoutLater("rateLimit");
    });
    speaker.on("transcriptionError", ({ isPermanent, retryAfterSeconds }) => {
      const { transcription, transcriptionPermanent } = words.speak.notices;
      const text = isPermanent ? transcriptionPermanent : transcription(retryAfterSeconds);
      this.#notice("transcription", text);
    });
    speaker.on("refused", (error) => {
      this.#notice("audio", words.speak.notices.audioRefused(this.#words(error)));
      this.#withoutLater("audio");
    });
    speaker.on("ended", ({ reason, error }) => {
      if (this.state.value.stage === "live") this.#ended(reason, error);
    });
  }

  #ended(reason: EndReason | undefined, error: Error | undefined): void {
    if (error === undefined || isOver(error)) this.#finish(reason);
    else if (error instanceof ConnectionNotFoundError) {
      this.#leaveTo(words.speak.apart.elsewhere, true);
    } else this.#leaveTo(words.speak.apart.failed(this.#words(error)), false);
  }

  #goLive(
    sessionId: string,
    passcode: string | undefined,
    expiresAt: number | undefined,
    broadcast: BroadcastState | undefined,
  ): void {
    const startedAt = this.kept?.startedAt ?? this.#options.clock.now();
    this.state.set({
      stage: "live",
      session: {
        sessionId,
        passcode,
        startedAt,
        expiresAt,
        connection: { state: "connected" },
        broadcast,
        microphone: "off",
        loudness: undefined,
        listenerCount: 0,
        languageDistribution: {},
        captions: [],
        partial: undefined,
        notices: [],
        isEnding: false,
      },
    });
  }

  #finish(reason: EndReason | undefined): void {
    const kept = this.kept;
    this.#nextTurn();
    this.meter.set(SILENCE);
    if (kept === undefined) {
      this.state.set({ stage: "preparing", problem: undefined });
      return;
    }
    const end = kept.end ?? { reason, at: this.#options.clock.now() };
    const session = { ...kept, end };
    this.#keep(session);
    this.state.set({ stage: "over", session, end });
  }

  #leaveTo(problem: string, isElsewhere: boolean): void {
    this.#nextTurn();
    this.meter.set(SILENCE);
    if (isElsewhere) this.#update({ isElsewhere });
    this.state.set({ stage: "apart", isElsewhere, problem });
  }

  #received({ listenerCount, languageDistribution }: SessionStatus): void {
    this.#change({ listenerCount, languageDistribution });
    const kept = this.kept;
    if (kept === undefined) return;
    const read = new Set([...kept.readLanguages, ...Object.keys(languageDistribution)]);
    const mostListeners = Math.max(kept.mostListeners, listenerCount);
    if (mostListeners === kept.mostListeners && read.size === kept.readLanguages.length) return;
    this.#update({ mostListeners, readLanguages: [...read] });
  }

  #understood(caption: ShownCaption, isLate: boolean): void {
    const live = this.#live();
    if (live === undefined) return;
    const captions = [...live.captions, caption];
    if (isLate) captions.sort((one, other) => one.sequence - other.sequence);
    this.#change({ captions: captions.slice(-MOST_CAPTIONS) });
    this.#without("transcription");
    this.#without("audio");
    this.#update({ captionCount: (this.kept?.captionCount ?? 0) + 1 });
  }

  #microphoneFailed(error: unknown): void {
    this.#microphoneTurn += 1;
    this.meter.set(SILENCE);
    this.#change({ microphone: "off", loudness: undefined });
    this.#update({ isMicrophoneOn: false });
    this.#notice("microphone", this.#words(error));
  }

  async #control(act: () => Promise<BroadcastState>): Promise<void> {
    const turn = this.#turn;
    this.#without("control");
    try {
      const broadcast = await act();
      if (turn === this.#turn) this.#offer(broadcast);
    } catch (error) {
      if (turn === this.#turn) {
        this.#notice("control", words.speak.notices.controlFailed(this.#words(error)));
      }
    }
  }

  /** The reply's state, unless a later one has come meanwhile. */
  #offer(broadcast: BroadcastState): void {
    const version = this.#live()?.broadcast?.version ?? 0;
    if (broadcast.version >= version) this.#change({ broadcast });
  }

  async #readStatus(): Promise<void> {
    try {
      await this.#speaker.getStatus();
    } catch {
      // The status also comes unasked, and a session that is elsewhere is an event.
    }
  }

  #notice(kind: NoticeKind, text: string): void {
    this.#cancelNoticeTimer(kind);
    const live = this.#live();
    if (live !== undefined) this.#change({ notices: withNotice(live.notices, kind, text) });
  }

  #without(kind: NoticeKind): void {
    this.#cancelNoticeTimer(kind);
    const live = this.#live();
    if (live !== undefined) this.#change({ notices: withoutNotices(live.notices, [kind]) });
  }

  #withoutLater(kind: NoticeKind): void {
    const cancel = this.#options.clock.after(NOTICE_MILLISECONDS, () => {
      this.#without(kind);
    });
    this.#noticeTimers.set(kind, cancel);
  }

  #cancelNoticeTimer(kind: NoticeKind): void {
    this.#noticeTimers.get(kind)?.();
    this.#noticeTimers.delete(kind);
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        this.#endWait = () => undefined;
        resolve();
      };
      const cancel = this.#options.clock.after(milliseconds, end);
      this.#endWait = end;
    });
  }

  #nextTurn(): number {
    this.#turn += 1;
    this.#microphoneTurn += 1;
    this.#endWait();
    for (const kind of [...this.#noticeTimers.keys()]) this.#cancelNoticeTimer(kind);
    return this.#turn;
  }

  #words(error: unknown): string {
    return speakerProblemWords(error, this.#options.isOnline());
  }

  #live(): LiveSession | undefined {
    const state = this.state.value;
    return state.stage === "live" ? state.session : undefined;
  }

  #change(changes: Partial<LiveSession>): void {
    const live = this.#live();
    if (live !== undefined) this.state.set({ stage: "live", session: { ...live, ...changes } });
  }

  #keep(session: KeptSession): void {
    writeSession(this.#options.keptForTab, session);
  }

  #update(changes: Partial<KeptSession>): void {
    const kept = this.kept;
    if (kept !== undefined) this.#keep({ ...kept, ...changes });
  }
}

function isOver(error: unknown): boolean {
  return error instanceof SessionEndedError || error instanceof SessionNotFoundError;
}
