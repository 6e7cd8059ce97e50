import { waitAfterRefusal, waitMilliseconds, type Backoff } from "./backoff.ts";
import type { ClientMessage, ServerFrame } from "./protocol.ts";
import type { Clock } from "./clock.ts";
import { Connection, type ReplyTo, type WebSocketClass } from "./connection.ts";
import {
  ConnectionFailedError,
  ConnectionLostError,
  ConnectionNotFoundError,
  LiveSessionsError,
  ServiceError,
  SessionEndedError,
  SessionNotFoundError,
  WrongStateError,
  isTransient,
} from "./errors.ts";

export const HEARTBEAT_MILLISECONDS = 60_000;
/** A socket on which nothing was received for so long after a heartbeat is dead. */
export const HEARTBEAT_TIMEOUT_MILLISECONDS = 20_000;
export const OPEN_TIMEOUT_MILLISECONDS = 10_000;
/** API Gateway answers after 29 s at the latest, the service within a few. */
export const REQUEST_TIMEOUT_MILLISECONDS = 15_000;
/** The service asks for a refresh from the 100th minute on; API Gateway closes after 120. */
export const REFRESH_AFTER_MILLISECONDS = 105 * 60_000;
/** Up to so much of it comes by chance: clients that came together do not refresh together. */
export const REFRESH_SPREAD_MILLISECONDS = 5 * 60_000;
/** A socket that lasted for so long shows that the trouble is over. */
export const STABLE_AFTER_MILLISECONDS = 30_000;
/** How long a replaced socket waits for replies that are still under way. */
export const LAST_REPLIES_MILLISECONDS = 5_000;

/** The state of a client's connection, with what a page may want to say about it. */
export type ConnectionState =
  | { readonly state: "closed" }
  | { readonly state: "connecting" }
  | { readonly state: "connected" }
  | {
      readonly state: "reconnecting";
      readonly error: Error;
      /** Failed attempts since the socket was lost. */
      readonly failures: number;
      readonly retryInMilliseconds: number;
    };

/** A token, or a function that gets one: it is called for every socket, since tokens expire. */
export type TokenProvider = string | (() => string | Promise<string>);

/** The token for the next socket; raises ConnectionFailedError if its provider fails. */
export async function providedToken(token: TokenProvider): Promise<string> {
  try {
    return typeof token === "function" ? await token() : token;
  } catch (error) {
    throw new ConnectionFailedError("There is no token: its provider failed.", { cause: error });
  }
}

export interface ReconnectingOptions {
  readonly url: string;
  readonly token?: TokenProvider | undefined;
  readonly WebSocket: WebSocketClass;
  readonly clock: Clock;
  readonly backoff: Backoff;
  /**
   * Brings the client's session to a socket that was just opened. It raises what the service refuses;
   * the socket is closed then, and another one is opened if the refusal may pass.
   */
  readonly enter: (connection: Connection, isFirst: boolean) => Promise<void>;
  readonly onFrame: (frame: ServerFrame, from: Connection) => void;
  /** The session goes on with another socket. */
  readonly onReplaced: () => void;
  /** The socket was lost. */
  readonly onLost: () => void;
  readonly onState: (state: ConnectionState) => void;
  /** The session cannot be entered again; nothing further is tried. */
  readonly onGivenUp: (error: Error) => void;
}

/** What belongs to one `start`, so that nothing of it happens after its end. */
interface Run {
  readonly stop: AbortController;
  isReplacing: boolean;
  /** The session is on its way to a new socket: the old one may not be in it any more. */
  isEntering: boolean;
  failures: number;
  current: Connection | undefined;
  currentSince: number;
  cancelTimers: () => void;
  /** Ends the wait before the next attempt. */
  endWait: () => void;
}

/**
 * A session's connection over many sockets: it sends heartbeats, moves to a new socket before API
 * Gateway closes the old one, and opens another one after a loss.
 */
export class ReconnectingConnection {
  readonly #options: ReconnectingOptions;
  readonly #waiting = new Set<() => void>();
  #run: Run | undefined;
  #state: ConnectionState = { state: "closed" };

  constructor(options: ReconnectingOptions) {
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The socket in use, if there is one. */
  get current(): Connection | undefined {
    const current = this.#run?.current;
    return current?.isOpen === true ? current : undefined;
  }

  /** Opens the first socket and enters; raises what failed, after which it can be started again. */
  async start(): Promise<void> {
    if (this.#run !== undefined) {
      throw new WrongStateError("This client is in a session: leave or end it first, or close it.");
    }
    const run: Run = {
      stop: new AbortController(),
      isReplacing: true,
      isEntering: false,
      failures: 0,
      current: undefined,
      currentSince: 0,
      cancelTimers: () => undefined,
      endWait: () => undefined,
    };
    this.#run = run;
    this.#setState({ state: "connecting" });
    try {
      this.#adopt(run, await this.#enteredConnection(run, true));
    } catch (error) {
      if (this.#run === run) this.stop();
      throw error;
    } finally {
      run.isReplacing = false;
    }
  }

  /** Closes the socket and tries nothing further. */
  stop(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    run.cancelTimers();
    run.stop.abort();
    run.endWait();
    this.#setState({ state: "closed" });
    this.#wakeWaiting();
  }

  /** Tries at once what it is waiting to try, such as when the network is back. */
  retryNow(): void {
    this.#run?.endWait();
  }

  /**
   * Sends a message and resolves with its reply. Without a socket, or while the session moves to
   * another one, it waits; what the old socket refused because of that is sent again on the new one.
   */
  async request<Message extends ClientMessage>(
    message: Message,
    timeoutMilliseconds = REQUEST_TIMEOUT_MILLISECONDS,
  ): Promise<ReplyTo<Message>> {
    for (;;) {
      const connection = await this.connected(message.action, timeoutMilliseconds);
      try {
        return await connection.request(message, timeoutMilliseconds);
      } catch (error) {
        const hasMoved = this.#run?.isEntering === true || this.current !== connection;
        if (!(error instanceof ConnectionNotFoundError && hasMoved)) throw error;
      }
    }
  }

  /** The socket in use, or the next one; raises ConnectionLostError if there is none in time. */
  connected(
    action: string,
    timeoutMilliseconds = REQUEST_TIMEOUT_MILLISECONDS,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        if (this.#run === undefined) {
          reject(
            new WrongStateError(`${action} needs a session: create, join or resume one first.`),
          );
          return true;
        }
        const connection = this.current;
        if (connection === undefined || this.#run.isEntering) return false;
        resolve(connection);
        return true;
      };
      if (look()) return;
      const again = (): void => {
        if (!look()) return;
        this.#waiting.delete(again);
        cancel();
      };
      this.#waiting.add(again);
      const cancel = this.#options.clock.after(timeoutMilliseconds, () => {
        this.#waiting.delete(again);
        const seconds = timeoutMilliseconds / 1000;
        reject(new ConnectionLostError(`${action} was not sent: no socket for ${seconds} s.`));
      });
    });
  }

  #wakeWaiting(): void {
    for (const look of [...this.#waiting]) look();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }

  /** A new socket in the session; raises what failed. */
  async #enteredConnection(run: Run, isFirst: boolean): Promise<Connection> {
    const { token, url, WebSocket, clock } = this.#options;
    const given = token === undefined ? undefined : await providedToken(token);
    throwIfStopped(run);
    const connection = await Connection.open({
      url,
      token: given,
      WebSocket,
      clock,
      openTimeoutMilliseconds: OPEN_TIMEOUT_MILLISECONDS,
      signal: run.stop.signal,
      onFrame: (frame, from) => {
        this.#received(run, frame, from);
      },
      onLost: (error, lost) => {
        this.#lost(run, error, lost);
      },
    });
    try {
      throwIfStopped(run);
      run.isEntering = true;
      try {
        await this.#options.enter(connection, isFirst);
      } finally {
        run.isEntering = false;
      }
      throwIfStopped(run);
      if (!connection.isOpen) throw new ConnectionLostError("The socket was lost at once.");
    } catch (error) {
      connection.close();
      this.#wakeWaiting();
      throw error;
    }
    return connection;
  }

  #adopt(run: Run, connection: Connection): void {
    const old = run.current;
    run.cancelTimers();
    run.current = connection;
    run.currentSince = this.#options.clock.now();
    this.#startTimers(run, connection);
    old?.closeWhenAnswered(LAST_REPLIES_MILLISECONDS);
    this.#setState({ state: "connected" });
    this.#wakeWaiting();
  }

  #startTimers(run: Run, connection: Connection): void {
    const { clock } = this.#options;
    let cancelHeartbeat = (): void => undefined;
    const beat = (): void => {
      cancelHeartbeat = clock.after(HEARTBEAT_MILLISECONDS, beat);
      void this.#heartbeat(run, connection);
    };
    cancelHeartbeat = clock.after(HEARTBEAT_MILLISECONDS, beat);
    const spread = clock.random() * REFRESH_SPREAD_MILLISECONDS;
    const cancelRefresh = clock.after(REFRESH_AFTER_MILLISECONDS + spread, () => {
      void this.#replace(run);
    });
    run.cancelTimers = () => {
      cancelHeartbeat();
      cancelRefresh();
    };
  }

  async #heartbeat(run: Run, connection: Connection): Promise<void> {
    const sentAt = this.#options.clock.now();
    try {
      await connection.request({ action: "heartbeat" }, HEARTBEAT_TIMEOUT_MILLISECONDS);
    } catch (error) {
      if (error instanceof ConnectionNotFoundError) {
        // During a refresh the session may have left this socket already.
        if (run.isEntering) return;
        connection.giveUp("The service does not know this connection any more.");
      } else if (connection.lastHeardAt <= sentAt) {
        connection.giveUp("The socket is dead: a heartbeat was not answered.");
      }
    }
  }

  #received(run: Run, frame: ServerFrame, from: Connection): void {
    if (stopped(run)) return;
    const isAskedToRefresh =
      frame.type === "connectionRefreshRequired" || frame.type === "connectionWarning";
    if (!isAskedToRefresh) this.#options.onFrame(frame, from);
    else if (from === run.current) void this.#replace(run);
  }

  #lost(run: Run, error: ConnectionLostError, lost: Connection): void {
    // One that is not in use yet fails its own attempt, and one that was replaced is not missed.
    if (stopped(run) || lost !== run.current) return;
    run.cancelTimers();
    if (this.#options.clock.now() - run.currentSince >= STABLE_AFTER_MILLISECONDS) run.failures = 0;
    this.#options.onLost();
    if (run.isReplacing) {
      this.#setState(reconnecting(error, run.failures, 0));
      run.endWait();
    } else {
      void this.#replace(run, error);
    }
  }

  /** Moves to a new socket, however many attempts it takes; `lost` is why there is none. */
  async #replace(run: Run, lost?: Error): Promise<void> {
    if (stopped(run) || run.isReplacing) return;
    run.isReplacing = true;
    try {
      if (lost !== undefined) {
        run.failures += 1;
        await this.#waitToRetry(run, lost);
      }
      for (;;) {
        if (stopped(run)) return;
        try {
          this.#adopt(run, await this.#enteredConnection(run, false));
          break;
        } catch (error) {
          if (stopped(run)) return;
          if (this.#isFinal(run, error)) {
            this.stop();
            this.#options.onGivenUp(asError(error));
            return;
          }
          run.failures += 1;
          await this.#waitToRetry(run, asError(error));
        }
      }
    } finally {
      run.isReplacing = false;
    }
    this.#options.onReplaced();
  }

  /** Whether no other attempt can help. While the old socket lives, only the session's end is final. */
  #isFinal(run: Run, error: unknown): boolean {
    if (error instanceof SessionEndedError || error instanceof SessionNotFoundError) return true;
    return run.current?.isOpen !== true && !isTransient(error);
  }

  async #waitToRetry(run: Run, error: Error): Promise<void> {
    const { clock, backoff } = this.#options;
    let wait = waitMilliseconds(backoff, run.failures, clock.random());
    if (error instanceof ServiceError && error.retryAfterSeconds !== undefined) {
      wait = Math.max(wait, waitAfterRefusal(error.retryAfterSeconds, clock.random()));
    }
    if (run.current?.isOpen !== true) this.#setState(reconnecting(error, run.failures, wait));
    await new Promise<void>((resolve) => {
      const end = (): void => {
        cancel();
        run.endWait = () => undefined;
        resolve();
      };
      const cancel = clock.after(wait, end);
      run.endWait = end;
    });
  }
}

function reconnecting(
  error: Error,
  failures: number,
  retryInMilliseconds: number,
): ConnectionState {
  return { state: "reconnecting", error, failures, retryInMilliseconds };
}

/** By a function, since the value changes during what is awaited. */
function stopped(run: Run): boolean {
  return run.stop.signal.aborted;
}

function throwIfStopped(run: Run): void {
  if (stopped(run)) throw new WrongStateError("The client was closed meanwhile.");
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new LiveSessionsError(String(error));
}
