import type { Backoff } from "./backoff.ts";
import { Broadcast } from "./broadcast.ts";
import { CaptionFeed, type ShownCaption } from "./caption-feed.ts";
import { CatchUp } from "./catch-up.ts";
import { clockOf, webSocketOf, type ClientOptions } from "./client-options.ts";
import type { Connection, ReplyTo } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import {
  ConnectionLostError,
  ConnectionNotFoundError,
  RateLimitedError,
  WrongStateError,
  errorOf,
  isTransient,
  type ServiceError,
} from "./errors.ts";
import type {
  BroadcastState,
  ClientMessage,
  EndReason,
  ServerFrame,
  SessionJoined,
  TargetLanguage,
} from "./protocol.ts";
import {
  REQUEST_TIMEOUT_MILLISECONDS,
  ReconnectingConnection,
  type ConnectionState,
} from "./reconnecting-connection.ts";
import type { JoinOptions } from "./requests.ts";

const BACKOFF: Backoff = { firstMilliseconds: 1_000, mostMilliseconds: 30_000 };

/** What a listener's handlers are called with, by the name of the event. */
export interface ListenerEvents {
  /** The state of the connection: connecting, connected, reconnecting (and why), closed. */
  connection: ConnectionState;
  /** The listener is in the session: at first, and after it had to join again. */
  joined: SessionJoined;
  /**
   * A final caption; each sequence comes once, in ascending order. Only one that the service had
   * late comes after a later one: `isLate` is true, and it belongs before those.
   */
  caption: { readonly caption: ShownCaption; readonly isLate: boolean };
  /** The sentence that is being spoken, in place of the one before; without a caption: there is none. */
  partialCaption: { readonly caption: ShownCaption | undefined };
  /** The broadcast was paused, resumed, muted, unmuted, or its volume changed. */
  broadcast: BroadcastState;
  languageChanged: { readonly targetLanguage: TargetLanguage };
  /** The session is over for this listener. Without a `reason` the end itself was not seen. */
  ended: {
    readonly sessionId: string;
    readonly reason: EndReason | undefined;
    readonly error: Error | undefined;
  };
  /** The service refused something that nobody waited for. */
  refused: ServiceError;
}

interface Membership {
  readonly options: Omit<JoinOptions, "since">;
  readonly feed: CaptionFeed;
  readonly catchUp: CatchUp;
  readonly broadcast: Broadcast;
  /** The last reply to joinSession. */
  joined: SessionJoined | undefined;
  /** The connection that the service knows, for a refresh. */
  connectionId: string | undefined;
  isPlaybackPaused: boolean;
}

/**
 * Joins a session and receives its captions, over as many sockets as it takes: nothing is missed and
 * nothing comes twice. After `leave`, `close` or the session's end it can join another session.
 */
export class Listener {
  readonly #clock;
  readonly #events = new Emitter<ListenerEvents>();
  readonly #connection: ReconnectingConnection;
  #membership: Membership | undefined;
  /** What a refresh and a change of language must not do at the same time. */
  #lock: Promise<unknown> = Promise.resolve();

  constructor(options: ClientOptions) {
    this.#clock = clockOf(options);
    this.#connection = new ReconnectingConnection({
      url: options.url,
      WebSocket: webSocketOf(options),
      clock: this.#clock,
      backoff: BACKOFF,
      enter: (connection, isFirst) => this.#exclusively(() => this.#enter(connection, isFirst)),
      onFrame: (frame) => {
        this.#received(frame);
      },
      onLost: () => {
        this.#membership?.catchUp.beginGap();
      },
      onReplaced: () => {
        this.#membership?.catchUp.endGap();
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
  on<Name extends keyof ListenerEvents>(
    name: Name,
    handler: (event: ListenerEvents[Name]) => unknown,
  ): () => void {
    return this.#events.on(name, handler);
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  /** The session, as it was joined. */
  get session(): SessionJoined | undefined {
    return this.#membership?.joined;
  }

  /** The language of the captions, as the service names it. */
  get targetLanguage(): TargetLanguage | undefined {
    return this.#membership?.joined === undefined ? undefined : this.#membership.feed.language;
  }

  get broadcastState(): BroadcastState | undefined {
    return this.#membership?.broadcast.state;
  }

  get isPlaybackPaused(): boolean {
    return this.#membership?.isPlaybackPaused ?? false;
  }

  /** Opens a socket and joins the session; raises what the service refuses. */
  async join({ since, ...options }: JoinOptions): Promise<SessionJoined> {
    if (this.#membership !== undefined) {
      throw new WrongStateError("This listener is in a session: leave it first.");
    }
    // Until the reply names the language that was found, which is what captions have.
    const asked = options.targetLanguage as TargetLanguage;
    const feed = new CaptionFeed(
      asked,
      {
        onFinal: (caption, isLate) => {
          this.#events.emit("caption", { caption, isLate });
        },
        onPartial: (caption) => {
          this.#events.emit("partialCaption", { caption });
        },
      },
      since,
    );
    const membership: Membership = {
      options,
      feed,
      catchUp: new CatchUp(feed, this.#clock, (question) =>
        this.#request({ action: "getCaptions", ...question }),
      ),
      broadcast: new Broadcast(),
      joined: undefined,
      connectionId: undefined,
      isPlaybackPaused: false,
    };
    this.#membership = membership;
    try {
      await this.#connection.start();
    } catch (error) {
      if (this.#membership === membership) this.#forget();
      throw error;
    }
    if (this.#membership !== membership || membership.joined === undefined) {
      throw new WrongStateError("The listener was closed while it joined.");
    }
    membership.catchUp.endGap();
    return membership.joined;
  }

  /** Receives captions in another language; resolves with the supported one that was found. */
  async changeLanguage(targetLanguage: string): Promise<TargetLanguage> {
    // Without a socket the next one is waited for before the lock is taken: it needs the lock, too.
    this.#joined("changeLanguage");
    await this.#connection.connected("changeLanguage");
    return this.#exclusively(() => this.#changeLanguage(targetLanguage));
  }

  async #changeLanguage(targetLanguage: string): Promise<TargetLanguage> {
    const { catchUp, feed } = this.#joined("changeLanguage");
    const connection = this.#connection.current;
    if (connection === undefined) {
      throw new ConnectionLostError("changeLanguage was not sent: the socket was lost.");
    }
    catchUp.beginGap();
    try {
      const reply = await connection.request(
        { action: "changeLanguage", targetLanguage },
        REQUEST_TIMEOUT_MILLISECONDS,
      );
      feed.changeLanguage(reply.targetLanguage);
      this.#events.emit("languageChanged", { targetLanguage: reply.targetLanguage });
      return reply.targetLanguage;
    } catch (error) {
      // It may have been done. The refresh on another socket sets the language before it again.
      if (isTransient(error) && !(error instanceof RateLimitedError)) {
        connection.giveUp("changeLanguage was not answered.");
      }
      throw error;
    } finally {
      // After a loss, the next socket ends the gap.
      if (connection.isOpen) catchUp.endGap();
    }
  }

  /** Reports that captions are held back here; they keep coming. */
  async pausePlayback(): Promise<void> {
    const membership = this.#joined("pausePlayback");
    await this.#request({ action: "pausePlayback" });
    membership.isPlaybackPaused = true;
  }

  async resumePlayback(): Promise<void> {
    const membership = this.#joined("resumePlayback");
    await this.#request({ action: "resumePlayback" });
    membership.isPlaybackPaused = false;
  }

  /** Leaves the session and closes the socket, also if the service does not answer. */
  async leave(): Promise<void> {
    const connection = this.#connection.current;
    try {
      await connection?.request({ action: "leaveSession" }, REQUEST_TIMEOUT_MILLISECONDS);
    } catch {
      // The service notices that the socket is closed.
    }
    this.close();
  }

  /** Tries at once what it waits to try, such as when the browser is online again. */
  retryNow(): void {
    this.#connection.retryNow();
  }

  /** Closes the socket, which leaves the session, too. */
  close(): void {
    this.#forget();
    this.#connection.stop();
  }

  async #request<Message extends ClientMessage>(message: Message): Promise<ReplyTo<Message>> {
    try {
      return await this.#connection.request(message);
    } catch (error) {
      // The next socket joins again, or learns that the session has ended.
      if (error instanceof ConnectionNotFoundError) this.#connection.current?.giveUp(error.message);
      throw error;
    }
  }

  #joined(action: string): Membership {
    if (this.#membership?.joined === undefined) {
      throw new WrongStateError(`${action} needs a session: join one first.`);
    }
    return this.#membership;
  }

  #exclusively<Result>(act: () => Promise<Result>): Promise<Result> {
    const result = this.#lock.then(act);
    this.#lock = result.catch(() => undefined);
    return result;
  }

  /** Brings the membership to a new socket: by a refresh, or by joining if that is not possible. */
  async #enter(connection: Connection, isFirst: boolean): Promise<void> {
    const membership = this.#membership;
    if (membership === undefined) throw new WrongStateError("The listener was closed meanwhile.");
    membership.catchUp.beginGap();
    try {
      const isRefreshed = !isFirst && (await this.#refresh(connection, membership));
      if (!isRefreshed) await this.#joinAgain(connection, membership);
    } catch (error) {
      membership.feed.release();
      throw error;
    }
  }

  async #refresh(connection: Connection, membership: Membership): Promise<boolean> {
    const { connectionId, feed, options } = membership;
    if (connectionId === undefined) return false;
    try {
      const reply = await connection.request(
        {
          action: "refreshConnection",
          sessionId: options.sessionId,
          connectionId,
          targetLanguage: feed.language,
        },
        REQUEST_TIMEOUT_MILLISECONDS,
      );
      membership.connectionId = reply.connectionId;
      return true;
    } catch (error) {
      if (error instanceof ConnectionNotFoundError) return false;
      throw error;
    }
  }

  async #joinAgain(connection: Connection, membership: Membership): Promise<void> {
    const targetLanguage =
      membership.joined === undefined
        ? membership.options.targetLanguage
        : membership.feed.language;
    const reply = await connection.request(
      { action: "joinSession", ...membership.options, targetLanguage },
      REQUEST_TIMEOUT_MILLISECONDS,
    );
    membership.connectionId = reply.connectionId;
    membership.joined = reply;
    membership.feed.changeLanguage(reply.targetLanguage);
    if (membership.isPlaybackPaused) {
      // It is only a report: the session does not depend on it.
      const pausing = connection.request({ action: "pausePlayback" }, REQUEST_TIMEOUT_MILLISECONDS);
      pausing.catch(() => undefined);
    }
    this.#events.emit("joined", reply);
  }

  #received(frame: ServerFrame): void {
    const membership = this.#membership;
    if (membership === undefined) return;
    // A frame may come before the reply that has the id.
    const sessionId = membership.joined?.sessionId;
    if (sessionId !== undefined && "sessionId" in frame && frame.sessionId !== sessionId) return;
    if ("broadcastState" in frame && membership.broadcast.offer(frame.broadcastState)) {
      this.#events.emit("broadcast", frame.broadcastState);
    }
    switch (frame.type) {
      case "caption":
        membership.feed.receive(frame);
        break;
      case "sessionEnded":
        this.#ended(frame.reason, undefined);
        break;
      case "error":
        this.#events.emit("refused", errorOf(frame));
        break;
      default:
    }
  }

  #ended(reason: EndReason | undefined, error: Error | undefined): void {
    const sessionId = this.#membership?.options.sessionId;
    this.close();
    if (sessionId !== undefined) this.#events.emit("ended", { sessionId, reason, error });
  }

  /** What is held back is shown before it is forgotten. */
  #forget(): void {
    const membership = this.#membership;
    if (membership === undefined) return;
    this.#membership = undefined;
    membership.catchUp.stop();
    membership.feed.settle();
  }
}
