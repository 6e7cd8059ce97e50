import type { Clock } from "./clock.ts";
import {
  ConnectionFailedError,
  ConnectionLostError,
  RequestTimeoutError,
  ServiceUnavailableError,
  WrongStateError,
  errorOf,
} from "./errors.ts";
import {
  AUDIO_TIMEOUT_SECONDS,
  BEARER_PREFIX,
  SUBPROTOCOL,
  type ClientMessage,
  type Replies,
  type ServerFrame,
} from "./protocol.ts";

/** The part of a WebSocket that is used: browsers', Node's own and that of `ws` have it. */
export interface WebSocketLike {
  readonly protocol: string;
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

export type WebSocketClass = new (url: string, protocols: string[]) => WebSocketLike;

/** The reply to a message, by its action. */
export type ReplyTo<Message extends ClientMessage> = Replies[Message["action"]];

export interface ConnectionOptions {
  readonly url: string;
  /** A speaker's; a listener has none. */
  readonly token?: string | undefined;
  readonly WebSocket: WebSocketClass;
  readonly clock: Clock;
  readonly openTimeoutMilliseconds: number;
  /** Closes the socket, also while it is being opened. */
  readonly signal: AbortSignal;
  /** Called for each frame that is not an error in reply to a request, replies included. */
  readonly onFrame: (frame: ServerFrame, connection: Connection) => void;
  /** Called once if the open socket was lost, but not if it was closed from here. */
  readonly onLost: (error: ConnectionLostError, connection: Connection) => void;
}

interface Pending {
  resolve(frame: ServerFrame): void;
  reject(error: Error): void;
}

const NORMAL_CLOSURE = 1000;

/** Audio is the one message without a reply. */
export const HANDLED_WITHIN_MILLISECONDS = AUDIO_TIMEOUT_SECONDS * 1000;

/** One open socket: matches replies with requests and tells frames from API Gateway's own. */
export class Connection {
  readonly openedAt: number;
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocketLike;
  readonly #onFinished: () => void;
  readonly #pending = new Map<string, Pending>();
  #lastRequest = 0;
  #lastHeardAt: number;
  #isOpen = true;
  /** When a message without a reply was sent last. */
  #lastSentAt = -Infinity;
  #onIdle: (() => void) | undefined;
  #cancelClosing: () => void = () => undefined;

  /** Opens a socket; raises ConnectionFailedError. */
  static open(options: ConnectionOptions): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const { clock, signal, token } = options;
      const offered = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, BEARER_PREFIX + token];
      let socket: WebSocketLike;
      try {
        socket = new options.WebSocket(options.url, offered);
      } catch (error) {
        reject(
          new WrongStateError(
            `No WebSocket can be made for ${options.url}: it has to be a ws:// or wss:// URL, and the` +
              " token must have no character that a header does not allow.",
            { cause: error },
          ),
        );
        return;
      }
      let connection: Connection | undefined;
      let hasFailed = false;
      const fail = (why: string): void => {
        if (hasFailed) return;
        hasFailed = true;
        cancelTimeout();
        signal.removeEventListener("abort", abort);
        closeQuietly(socket);
        reject(new ConnectionFailedError(why));
      };
      const cancelTimeout = clock.after(options.openTimeoutMilliseconds, () => {
        fail(`The socket did not open within ${options.openTimeoutMilliseconds / 1000} s.`);
      });
      const abort = (): void => {
        if (connection === undefined) fail("The client was closed before the socket was open.");
        else connection.close();
      };
      signal.addEventListener("abort", abort, { once: true });
      socket.addEventListener("open", () => {
        if (hasFailed) return;
        if (socket.protocol !== SUBPROTOCOL) {
          fail(
            `The server did not choose the subprotocol ${SUBPROTOCOL}: it is not Live Sessions, or a` +
              " release that does not know it.",
          );
          return;
        }
        cancelTimeout();
        connection = new Connection(socket, options, () => {
          signal.removeEventListener("abort", abort);
        });
        resolve(connection);
      });
      socket.addEventListener("message", (event) => {
        if (connection !== undefined) connection.#received(event.data);
      });
      // A close event follows.
      socket.addEventListener("error", () => undefined);
      socket.addEventListener("close", ({ code }) => {
        if (connection === undefined)
          fail(`The socket was closed with ${code} before it was open.`);
        else connection.#lost(`The socket was closed with ${code}.`);
      });
    });
  }

  private constructor(socket: WebSocketLike, options: ConnectionOptions, onFinished: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#onFinished = onFinished;
    this.openedAt = options.clock.now();
    this.#lastHeardAt = this.openedAt;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** When anything was last received, by the clock's `now`. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /**
   * Sends a message and resolves with its reply.
   *
   * Raises the error that it is answered with, RequestTimeoutError or ConnectionLostError.
   */
  request<Message extends ClientMessage>(
    message: Message,
    timeoutMilliseconds: number,
  ): Promise<ReplyTo<Message>> {
    return new Promise<ServerFrame>((resolve, reject) => {
      if (!this.#isOpen) {
        reject(new ConnectionLostError(`${message.action} was not sent: the socket is closed.`));
        return;
      }
      this.#lastRequest += 1;
      const requestId = String(this.#lastRequest);
      const settle = (act: () => void): void => {
        cancelTimeout();
        this.#pending.delete(requestId);
        act();
        if (this.#pending.size === 0) this.#onIdle?.();
      };
      const cancelTimeout = this.#options.clock.after(timeoutMilliseconds, () => {
        settle(() => {
          const seconds = timeoutMilliseconds / 1000;
          reject(
            new RequestTimeoutError(`${message.action} was not answered within ${seconds} s.`),
          );
        });
      });
      this.#pending.set(requestId, {
        resolve: (frame) => {
          settle(() => {
            resolve(frame);
          });
        },
        reject: (error) => {
          settle(() => {
            reject(error);
          });
        },
      });
      this.#socket.send(JSON.stringify({ ...message, requestId }));
    }) as Promise<ReplyTo<Message>>;
  }

  /** Sends a message that has no reply; a refusal comes as a frame of the type `error`. */
  send(message: ClientMessage): void {
    if (!this.#isOpen) return;
    this.#lastSentAt = this.#options.clock.now();
    this.#socket.send(JSON.stringify(message));
  }

  /** Closes the socket; whatever is received afterwards is dropped. */
  close(): void {
    if (!this.#isOpen) return;
    this.#finish("The socket was closed by this client.");
    closeQuietly(this.#socket);
  }

  /**
   * Closes the socket once every request is answered, or after a time, but not before every message
   * without a reply was handled: the service may forget a socket that has closed.
   */
  closeWhenAnswered(mostMilliseconds: number): void {
    if (!this.#isOpen) return;
    const { clock } = this.#options;
    const handledIn = this.#lastSentAt + HANDLED_WITHIN_MILLISECONDS - clock.now();
    if (handledIn > 0) {
      this.#cancelClosing = clock.after(handledIn, () => {
        this.closeWhenAnswered(mostMilliseconds);
      });
    } else if (this.#pending.size === 0) {
      this.close();
    } else {
      this.#onIdle = () => {
        this.close();
      };
      this.#cancelClosing = clock.after(mostMilliseconds, this.#onIdle);
    }
  }

  /** Treats the socket as lost, which it may be without a sign of it. */
  giveUp(why: string): void {
    if (!this.#isOpen) return;
    closeQuietly(this.#socket);
    this.#lost(why);
  }

  #received(data: unknown): void {
    if (!this.#isOpen || typeof data !== "string") return;
    this.#lastHeardAt = this.#options.clock.now();
    const frame = parsed(data);
    if (frame === undefined) return;
    if (typeof frame["type"] !== "string") {
      this.#receivedFromGateway(frame);
      return;
    }
    this.#receivedFromService(frame as unknown as ServerFrame);
  }

  #receivedFromService(frame: ServerFrame): void {
    const pending = frame.requestId === undefined ? undefined : this.#pending.get(frame.requestId);
    if (frame.type !== "error") {
      // What a reply says of the state is true, even if nobody waits for it any more. Whoever waits
      // goes on afterwards, since a promise's callbacks are called later.
      pending?.resolve(frame);
      this.#options.onFrame(frame, this);
    } else if (pending !== undefined) {
      pending.reject(errorOf(frame));
    } else if (frame.requestId === undefined) {
      this.#options.onFrame(frame, this);
    }
  }

  /**
   * A frame without `type` is API Gateway's own and names none of our requests. It can only be
   * matched if a single one is pending; otherwise each of them waits for its reply or its timeout.
   */
  #receivedFromGateway(frame: Record<string, unknown>): void {
    const message = frame["message"];
    const [pending, ...others] = this.#pending.values();
    if (typeof message === "string" && pending !== undefined && others.length === 0) {
      pending.reject(
        new ServiceUnavailableError("SERVICE_UNAVAILABLE", `API Gateway answered: ${message}`),
      );
    }
  }

  #lost(why: string): void {
    if (!this.#isOpen) return;
    this.#finish(why);
    this.#options.onLost(new ConnectionLostError(why), this);
  }

  #finish(why: string): void {
    this.#isOpen = false;
    this.#onIdle = undefined;
    this.#cancelClosing();
    this.#onFinished();
    for (const pending of [...this.#pending.values()]) {
      pending.reject(new ConnectionLostError(why));
    }
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Some implementations throw if the socket is not open yet. */
function closeQuietly(socket: WebSocketLike): void {
  try {
    socket.close(NORMAL_CLOSURE);
  } catch {
    // It is gone already.
  }
}
