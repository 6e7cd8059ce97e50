import { AudioSender } from "./audio-sender.ts";
import type { AudioSource, Level } from "./audio/audio-source.ts";
import type { Backoff } from "./backoff.ts";
import { Broadcast } from "./broadcast.ts";
import { CaptionFeed, type ShownCaption } from "./caption-feed.ts";
import { clockOf, webSocketOf, type ClientOptions } from "./client-options.ts";
import type { Clock } from "./clock.ts";
import { Connection, type ReplyTo } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import { ConnectionNotFoundError, WrongStateError, errorOf, type ServiceError } from "./errors.ts";
import type {
  BroadcastState,
  Caption,
  ClientMessage,
  ConnectionRefreshComplete,
  EndReason,
  RateLimitWarning,
  ServerFrame,
  SessionCreated,
  SessionStatus,
  TranscriptLink,
  TranscriptionError,
} from "./protocol.ts";
import {
  OPEN_TIMEOUT_MILLISECONDS,
  REQUEST_TIMEOUT_MILLISECONDS,
  ReconnectingConnection,
  providedToken,
  type ConnectionState,
  type TokenProvider,
} from "./reconnecting-connection.ts";
import type {
  EndOptions,
  ResumeOptions,
  SessionOptions,
  StateChangeOptions,
  TranscriptOptions,
} from "./requests.ts";

/** A session waits 10 s for a speaker whose socket was lost: the first attempts come soon. */
const BACKOFF: Backoff = { firstMilliseconds: 250, mostMilliseconds: 8_000 };

/**
 * Silence is added to the last audio after a second, so that its words become final; then they are
 * translated and posted.
 */
export const LAST_WORDS_MILLISECONDS = 4_000;

export interface SpeakerOptions extends ClientOptions {
  /** A token, or a function that gets one: it is called for every socket, since tokens expire. */
  readonly token: TokenProvider;
}

/** What a speaker's handlers are called with, by the name of the event. */
export interface SpeakerEvents {
  /** The state of the connection: connecting, connected, reconnecting (and why), closed. */
  connection: ConnectionState;
  /** The broadcast was paused, resumed, muted, unmuted, or its volume changed. */
  broadcast: BroadcastState;
  /** How many listen, by language. */
  status: SessionStatus;
  /** What was understood, if the session has captions for its speaker; as for listeners. */
  caption: { readonly caption: ShownCaption; readonly isLate: boolean };
  partialCaption: { readonly caption: ShownCaption | undefined };
  /** Too many chunks: the socket is closed if this goes on. */
  rateLimitWarning: RateLimitWarning;
  /** The audio is not being transcribed at present; it is tried again. */
  transcriptionError: TranscriptionError;
  audioLevel: Level;
  /** The source has no more audio; with an error, it failed. */
  audioEnded: { readonly error: Error | undefined };
  /** The service refused something that nobody waited for, such as audio. */
  refused: ServiceError;
  /**
   * The session is over, or it goes on with another client of the same user. Without a `reason`, the
   * `error` says why this client cannot go on.
   */
  ended: {
    readonly sessionId: string;
    readonly reason: EndReason | undefined;
    readonly error: Error | undefined;
  };
}

interface OwnSession {
  sessionId: string;
  sampleRateHertz: number | undefined;
  readonly broadcast: Broadcast;
  feed: CaptionFeed | undefined;
}

interface RunningAudio {
  readonly source: AudioSource;
  readonly sender: AudioSender;
}

/**
 * Creates a session, or takes one back, and broadcasts in it, over as many sockets as it takes. After
 * `end`, `close` or the session's end it can create another session.
 */
export class Speaker {
  readonly #options: SpeakerOptions;
  readonly #clock: Clock;
  readonly #events = new Emitter<SpeakerEvents>();
  readonly #connection: ReconnectingConnection;
  /** Brings this client's session to its first socket. */
  #begin: ((connection: Connection) => Promise<void>) | undefined;
  #session: OwnSession | undefined;
  #lastSessionId: string | undefined;
  #audio: RunningAudio | undefined;
  /** When the service was last sent audio of this session, by the clock. */
  #lastAudioAt: number | undefined;
  #isChecking = false;
  #ending: Promise<void> | undefined;
  #cancelWait: (() => void) | undefined;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    this.#clock = clockOf(options);
    this.#connection = new ReconnectingConnection({
      url: options.url,
      token: options.token,
      WebSocket: webSocketOf(options),
      clock: this.#clock,
      backoff: BACKOFF,
      enter: (connection, isFirst) => this.#enter(connection, isFirst),
      onFrame: (frame, from) => {
        this.#received(frame, from);
      },
      onLost: () => undefined,
      onReplaced: () => {
        this.#audio?.sender.use(this.#connection.current);
        this.#audio?.sender.resume();
      },
      onState: (state) => {
        this.#events.emit("connection", state);
      },
      onGivenUp: (error) => {
        this.#ended(undefined, error);
      },
    });
  }

  /** Calls `handler` for each such event until the returned function is called. */
  on<Name extends keyof SpeakerEvents>(
    name: Name,
    handler: (event: SpeakerEvents[Name]) => unknown,
  ): () => void {
    return this.#events.on(name, handler);
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  get sessionId(): string | undefined {
    return this.#session?.sessionId;
  }

  get broadcastState(): BroadcastState | undefined {
    return this.#session?.broadcast.state;
  }

  /** Opens a socket and creates a session; raises what the service refuses. */
  async createSession(options: SessionOptions): Promise<SessionCreated> {
    return this.#start(async (connection) => {
      const reply = await connection.request(
        { action: "createSession", ...options },
        REQUEST_TIMEOUT_MILLISECONDS,
      );
      return { reply, sampleRateHertz: reply.sampleRateHertz };
    });
  }

  /**
   * Opens a socket and goes on with a session of the same user, such as after a page was loaded again:
   * at once if the other socket is lost, and otherwise instead of it.
   */
  async resumeSession(options: ResumeOptions): Promise<ConnectionRefreshComplete> {
    return this.#start(async (connection) => {
      const reply = await connection.request(
        { action: "refreshConnection", ...options },
        REQUEST_TIMEOUT_MILLISECONDS,
      );
      // A service before this field does not say which rate the session has.
      const { sampleRateHertz }: { sampleRateHertz?: unknown } = reply as object;
      return {
        reply,
        sampleRateHertz:
          typeof sampleRateHertz === "number" ? sampleRateHertz : options.sampleRateHertz,
      };
    });
  }

  /**
   * Ends the session for everyone, and closes the socket. No more audio is sent from now on, and the
   * end waits for some seconds until listeners have read what was said last.
   *
   * If the service refuses it, the session and its audio go on.
   */
  end(options: EndOptions = {}): Promise<void> {
    this.#ending ??= this.#end(options).finally(() => {
      this.#ending = undefined;
    });
    return this.#ending;
  }

  pause(): Promise<BroadcastState> {
    return this.#control({ action: "pauseBroadcast" });
  }

  resume(): Promise<BroadcastState> {
    return this.#control({ action: "resumeBroadcast" });
  }

  mute(): Promise<BroadcastState> {
    return this.#control({ action: "muteBroadcast" });
  }

  unmute(): Promise<BroadcastState> {
    return this.#control({ action: "unmuteBroadcast" });
  }

  /** From 0 to 1; at 0 no audio is transcribed. */
  setVolume(volumeLevel: number): Promise<BroadcastState> {
    return this.#control({ action: "setVolume", volumeLevel });
  }

  /** Changes several parts of the broadcast state in one step. */
  changeState(state: StateChangeOptions): Promise<BroadcastState> {
    return this.#control({ action: "speakerStateChange", state });
  }

  /** How many listen, by language; it also comes as the event `status`, unasked. */
  getStatus(): Promise<SessionStatus> {
    return this.#request({ action: "getSessionStatus" });
  }

  /**
   * A link to a file of the transcript of a session of the same user, about a minute after its end;
   * default: this speaker's last session, in the language that was spoken, as text. It opens a socket
   * of its own unless there is a session.
   *
   * Raises what the service refuses, TranscriptNotAvailableError while there is none.
   */
  async getTranscript(options: TranscriptOptions = {}): Promise<TranscriptLink> {
    const sessionId = options.sessionId ?? this.#lastSessionId;
    if (sessionId === undefined) {
      throw new WrongStateError("getTranscript needs the sessionId of a session that has ended.");
    }
    const message = { action: "getTranscript", ...options, sessionId } as const;
    if (this.#session !== undefined) return this.#connection.request(message);
    const connection = await Connection.open({
      url: this.#options.url,
      token: await providedToken(this.#options.token),
      WebSocket: webSocketOf(this.#options),
      clock: this.#clock,
      openTimeoutMilliseconds: OPEN_TIMEOUT_MILLISECONDS,
      signal: new AbortController().signal,
      onFrame: () => undefined,
      onLost: () => undefined,
    });
    try {
      return await connection.request(message, REQUEST_TIMEOUT_MILLISECONDS);
    } finally {
      connection.close();
    }
  }

  /** Sends the audio of a source from now on, until it ends or `stopAudio`; raises why it cannot start. */
  async startAudio(source: AudioSource): Promise<void> {
    const session = this.#session;
    if (session === undefined) {
      throw new WrongStateError("startAudio needs a session: create or resume one first.");
    }
    if (this.#audio !== undefined) {
      throw new WrongStateError("Audio is being sent already: stop it first.");
    }
    const rate = session.sampleRateHertz;
    if (rate !== undefined && rate !== source.sampleRateHertz) {
      throw new WrongStateError(
        `The source has ${source.sampleRateHertz} Hz and the session ${rate} Hz: create or resume it` +
          " with the source's sampleRateHertz.",
      );
    }
    const audio: RunningAudio = {
      source,
      sender: new AudioSender(this.#clock, source.sampleRateHertz),
    };
    audio.sender.isSilenced = isSilent(session.broadcast.state);
    audio.sender.use(this.#connection.current);
    this.#audio = audio;
    try {
      await source.start({
        onChunk: (samples) => {
          if (this.#audio !== audio || this.#ending !== undefined) return;
          if (audio.sender.push(samples)) this.#lastAudioAt = this.#clock.now();
        },
        onLevel: (level) => {
          if (this.#audio === audio) this.#events.emit("audioLevel", level);
        },
        onEnd: () => {
          this.#audioEnded(audio, undefined);
        },
        onFailure: (error) => {
          this.#audioEnded(audio, error);
        },
      });
    } catch (error) {
      if (this.#isSending(audio)) this.#audio = undefined;
      throw error;
    }
    // It was stopped while it started.
    if (!this.#isSending(audio)) await source.stop();
  }

  async stopAudio(): Promise<void> {
    const audio = this.#audio;
    this.#audio = undefined;
    await audio?.source.stop();
  }

  /** Tries at once what it waits to try, such as when the browser is online again. */
  retryNow(): void {
    this.#connection.retryNow();
  }

  /**
   * Stops the audio and closes the socket. The session is not ended: the same user can resume it for
   * some seconds.
   */
  close(): void {
    this.#stopQuietly();
    this.#session = undefined;
    this.#lastAudioAt = undefined;
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    this.#connection.stop();
  }

  async #end({ lastWordsMilliseconds = LAST_WORDS_MILLISECONDS }: EndOptions): Promise<void> {
    const session = this.#session;
    await this.#lastWordsRead(lastWordsMilliseconds);
    const isOver = (): boolean => session !== undefined && this.#session !== session;
    if (isOver()) return;
    try {
      await this.#request({ action: "endSession" });
    } catch (error) {
      // Its end may come as a frame before the reply, such as on a new socket, and closes this client.
      if (!isOver() || error instanceof ConnectionNotFoundError) throw error;
    }
    this.close();
  }

  /** Resolves so long after the last audio, or when the session is over. */
  #lastWordsRead(milliseconds: number): Promise<void> {
    const lastAudioAt = this.#lastAudioAt ?? -Infinity;
    const left = lastAudioAt + milliseconds - this.#clock.now();
    if (left <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(left, resolve);
      this.#cancelWait = () => {
        cancel();
        resolve();
      };
    });
  }

  async #start<Reply extends { readonly sessionId: string }>(
    ask: (connection: Connection) => Promise<{
      readonly reply: Reply;
      readonly sampleRateHertz: number | undefined;
    }>,
  ): Promise<Reply> {
    if (this.#begin !== undefined || this.#session !== undefined) {
      throw new WrongStateError("This speaker has a session: end or close it first.");
    }
    let reply: Reply | undefined;
    this.#begin = async (connection) => {
      // Frames about it may come before the reply.
      const session: OwnSession = {
        sessionId: "",
        sampleRateHertz: undefined,
        broadcast: new Broadcast(),
        feed: undefined,
      };
      this.#session = session;
      const answer = await ask(connection);
      session.sessionId = answer.reply.sessionId;
      this.#lastSessionId = session.sessionId;
      session.sampleRateHertz = answer.sampleRateHertz;
      reply = answer.reply;
    };
    try {
      await this.#connection.start();
    } catch (error) {
      this.#session = undefined;
      throw error;
    } finally {
      this.#begin = undefined;
    }
    if (reply === undefined) throw new WrongStateError("The speaker was closed meanwhile.");
    return reply;
  }

  async #enter(connection: Connection, isFirst: boolean): Promise<void> {
    if (isFirst) {
      await this.#begin?.(connection);
      return;
    }
    const session = this.#session;
    if (session === undefined) throw new WrongStateError("The speaker was closed meanwhile.");
    // What the old socket would be sent after the service has moved the session would be lost.
    const sender = this.#audio?.sender;
    sender?.hold();
    try {
      await connection.request(
        { action: "refreshConnection", sessionId: session.sessionId },
        REQUEST_TIMEOUT_MILLISECONDS,
      );
    } catch (error) {
      sender?.resume();
      throw error;
    }
  }

  async #control(
    message: ClientMessage & {
      readonly action:
        | "pauseBroadcast"
        | "resumeBroadcast"
        | "muteBroadcast"
        | "unmuteBroadcast"
        | "setVolume"
        | "speakerStateChange";
    },
  ): Promise<BroadcastState> {
    const reply = await this.#request(message);
    return reply.broadcastState;
  }

  async #request<Message extends ClientMessage>(message: Message): Promise<ReplyTo<Message>> {
    if (this.#session === undefined) {
      throw new WrongStateError(`${message.action} needs a session: create or resume one first.`);
    }
    try {
      return await this.#connection.request(message);
    } catch (error) {
      if (error instanceof ConnectionNotFoundError) this.#ended(undefined, error);
      throw error;
    }
  }

  #received(frame: ServerFrame, from: Connection): void {
    const session = this.#session;
    if (session === undefined) return;
    const isOfAnotherSession =
      "sessionId" in frame && session.sessionId !== "" && frame.sessionId !== session.sessionId;
    if (isOfAnotherSession) return;
    if ("broadcastState" in frame && session.broadcast.offer(frame.broadcastState)) {
      if (this.#audio !== undefined) {
        this.#audio.sender.isSilenced = isSilent(frame.broadcastState);
      }
      this.#events.emit("broadcast", frame.broadcastState);
    }
    switch (frame.type) {
      case "sessionStatus":
        this.#events.emit("status", frame);
        break;
      case "caption":
        this.#receiveCaption(session, frame);
        break;
      case "rateLimitWarning":
        this.#events.emit("rateLimitWarning", frame);
        break;
      case "transcriptionError":
        this.#events.emit("transcriptionError", frame);
        break;
      case "sessionEnded":
        this.#ended(frame.reason, undefined);
        break;
      case "error":
        this.#refused(errorOf(frame), from);
        break;
      default:
    }
  }

  #receiveCaption(session: OwnSession, caption: Caption): void {
    // A speaker has no history: what is live is all there is, in the session's own language.
    session.feed ??= new CaptionFeed(caption.targetLanguage, {
      onFinal: (shown, isLate) => {
        this.#events.emit("caption", { caption: shown, isLate });
      },
      onPartial: (shown) => {
        this.#events.emit("partialCaption", { caption: shown });
      },
    });
    session.feed.receive(caption);
  }

  #refused(error: ServiceError, from: Connection): void {
    if (error.retryAfterSeconds !== undefined) this.#audio?.sender.suspend(error.retryAfterSeconds);
    this.#events.emit("refused", error);
    if (error instanceof ConnectionNotFoundError && from === this.#connection.current) {
      void this.#checkMembership();
    }
  }

  /** Audio was refused because the session is elsewhere: if it is, `#request` ends it here. */
  async #checkMembership(): Promise<void> {
    // Audio that the service meets after the end is refused, too, perhaps before the end is answered.
    if (this.#isChecking || this.#ending !== undefined) return;
    this.#isChecking = true;
    try {
      await this.#request({ action: "getSessionStatus" });
    } catch {
      // Either it has ended here, or it is not known; the next refusal asks again.
    } finally {
      this.#isChecking = false;
    }
  }

  #ended(reason: EndReason | undefined, error: Error | undefined): void {
    const sessionId = this.#session?.sessionId;
    this.close();
    if (sessionId !== undefined) this.#events.emit("ended", { sessionId, reason, error });
  }

  #isSending(audio: RunningAudio): boolean {
    return this.#audio === audio;
  }

  #audioEnded(audio: RunningAudio, error: Error | undefined): void {
    if (this.#audio !== audio) return;
    this.#stopQuietly();
    this.#events.emit("audioEnded", { error });
  }

  #stopQuietly(): void {
    this.stopAudio().catch(() => undefined);
  }
}

function isSilent(state: BroadcastState | undefined): boolean {
  return state !== undefined && (state.isPaused || state.isMuted || state.volume === 0);
}
