import type { WebSocketClass, WebSocketLike } from "../src/connection.ts";

type Listener = (event: never) => void;
export type Sent = Readonly<Record<string, unknown>>;

/** A socket whose other end is the test. */
export class FakeSocket implements WebSocketLike {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: Sent[] = [];
  readonly #listeners = new Map<string, Listener[]>();
  protocol = "";
  bufferedAmount = 0;
  state: "connecting" | "open" | "closed" = "connecting";
  closedByClient = false;
  /** Called for each message that the client sends. */
  onSent: (message: Sent) => void = () => undefined;
  /** Called when the client closes the socket. */
  onClosed: () => void = () => undefined;

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    if (this.state === "connecting") throw new Error("InvalidStateError");
    if (this.state === "closed") return;
    const message = JSON.parse(text) as Sent;
    this.sent.push(message);
    this.onSent(message);
  }

  close(): void {
    if (this.closedByClient) return;
    this.closedByClient = true;
    this.state = "closed";
    this.onClosed();
  }

  /** The service accepts. */
  open(protocol = "live-sessions.v1"): void {
    if (this.state !== "connecting") return;
    this.protocol = protocol;
    this.state = "open";
    this.#dispatch("open", {});
  }

  /** The socket is closed by the service, or lost: 1006. */
  drop(code = 1006): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#dispatch("error", {});
    this.#dispatch("close", { code, reason: "" });
  }

  /** The client is sent a frame; one that was closed receives nothing. */
  receive(frame: object): void {
    this.receiveData(JSON.stringify(frame));
  }

  receiveData(data: unknown): void {
    if (this.state === "open") this.#dispatch("message", { data });
  }

  /** The last message with this action; it is answered with `reply`. */
  message(action: string): Sent {
    const found = this.sent.findLast((each) => each["action"] === action);
    if (found === undefined) {
      const actions = this.sent.map((each) => String(each["action"]));
      throw new Error(`${action} was not sent, only: ${actions.join(", ")}`);
    }
    return found;
  }

  count(action: string): number {
    return this.sent.filter((each) => each["action"] === action).length;
  }

  /** Answers the last message with this action. */
  reply(action: string, frame: object): void {
    this.receive({ timestamp: 1, requestId: this.message(action)["requestId"], ...frame });
  }

  refuse(action: string, code: string, details?: object): void {
    this.reply(action, { type: "error", code, message: `${code}.`, details });
  }

  #dispatch(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never);
  }
}

/** Every socket that the client opened. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  readonly WebSocket: WebSocketClass;
  /** Called for each new socket. */
  onSocket: (socket: FakeSocket) => void = () => undefined;

  constructor() {
    const made = (socket: FakeSocket): void => {
      this.sockets.push(socket);
      this.onSocket(socket);
    };
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        made(this);
      }
    };
  }

  /** The newest socket. */
  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("No socket was opened.");
    return socket;
  }
}
