import type { Caption } from "../src/protocol.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { FakeNetwork, FakeSocket, Sent } from "./fake-network.ts";
import { SESSION, broadcastState, caption } from "./frames.ts";

/** How slow and how unreliable the service is. */
export interface Weather {
  /** A random number from 0 to 1. */
  readonly random: () => number;
  /** How long a frame takes at most. */
  readonly mostLatencyMilliseconds: number;
  /** How long a new membership is not in the index at most: captions go to the old connection. */
  readonly mostIndexLagMilliseconds: number;
  /** How long after its posting a caption is written at most. */
  readonly mostWriteLagMilliseconds: number;
  /** The part of the questions about captions that fail. */
  readonly historyFailures: number;
}

interface Member {
  readonly connectionId: string;
  readonly language: string;
}

/** What was in the index from a time on; the later one of the same listener wins. */
interface Indexed extends Member {
  readonly visibleFrom: number;
}

/**
 * A session as a listener meets it: who is a member, which captions are posted to whom, and what the
 * history has by then.
 */
export class FakeService {
  readonly #clock: FakeClock;
  readonly #weather: Weather;
  readonly #sockets = new Map<string, FakeSocket>();
  /** The last time at which a frame reaches each socket: frames of one socket keep their order. */
  readonly #lastArrival = new Map<FakeSocket, number>();
  /** One listener, so the last entry that is visible is the membership. */
  readonly #index: Indexed[] = [];
  #member: Member | undefined;
  readonly #written: { readonly caption: Caption; readonly at: number }[] = [];
  #connections = 0;
  pages = 0;
  pageLimit = 100;

  constructor(clock: FakeClock, network: FakeNetwork, weather: Weather) {
    this.#clock = clock;
    this.#weather = weather;
    network.onSocket = (socket) => {
      this.#connections += 1;
      const connectionId = `connection-${this.#connections}`;
      this.#sockets.set(connectionId, socket);
      socket.onSent = (message) => {
        this.#later(this.#latency(), () => {
          this.#answer(socket, connectionId, message);
        });
      };
      this.#later(this.#latency(), () => {
        socket.open();
      });
    };
  }

  /** A final caption is spoken: written for the history, and posted to the listener. */
  speak(sequence: number): void {
    const lag = this.#weather.random() * this.#weather.mostWriteLagMilliseconds;
    this.#written.push({ caption: caption(sequence), at: this.#clock.now() + lag });
    const visible = this.#index.findLast((each) => each.visibleFrom <= this.#clock.now());
    const socket = visible && this.#sockets.get(visible.connectionId);
    if (socket === undefined) return;
    const said = this.#inLanguage(caption(sequence), visible?.language ?? "es");
    this.#deliver(socket, said);
  }

  /** The service forgets the listener, such as one whose socket it found dead. */
  forget(): void {
    this.#member = undefined;
  }

  #answer(socket: FakeSocket, connectionId: string, message: Sent): void {
    const { requestId } = message;
    const reply = (frame: object): void => {
      this.#deliver(socket, { timestamp: this.#clock.now(), requestId, ...frame });
    };
    const refuse = (code: string): void => {
      reply({ type: "error", code, message: code });
    };
    switch (message["action"]) {
      case "joinSession":
        this.#enter({ connectionId, language: String(message["targetLanguage"]) });
        reply({
          type: "sessionJoined",
          sessionId: SESSION,
          targetLanguage: message["targetLanguage"],
          sourceLanguage: "en",
          connectionId,
          broadcastState: broadcastState(),
          isTranscriptKept: false,
        });
        break;
      case "refreshConnection":
        if (this.#member?.connectionId !== message["connectionId"]) {
          refuse("CONNECTION_NOT_FOUND");
          break;
        }
        this.#enter({ connectionId, language: String(message["targetLanguage"]) });
        reply({
          type: "connectionRefreshComplete",
          sessionId: SESSION,
          connectionId,
          broadcastState: broadcastState(),
        });
        break;
      case "changeLanguage":
        if (this.#member?.connectionId !== connectionId) {
          refuse("CONNECTION_NOT_FOUND");
          break;
        }
        this.#enter({ connectionId, language: String(message["targetLanguage"]) });
        reply({ type: "languageChanged", targetLanguage: message["targetLanguage"] });
        break;
      case "getCaptions":
        if (this.#member?.connectionId !== connectionId) refuse("CONNECTION_NOT_FOUND");
        else if (this.#weather.random() < this.#weather.historyFailures) {
          refuse("SERVICE_UNAVAILABLE");
        } else reply(this.#history(message, this.#member.language));
        break;
      case "heartbeat":
        if (this.#member?.connectionId === connectionId) reply({ type: "heartbeatAck" });
        else refuse("CONNECTION_NOT_FOUND");
        break;
      default:
        refuse("INVALID_ACTION");
    }
  }

  #enter(member: Member): void {
    this.#member = member;
    const lag = this.#weather.random() * this.#weather.mostIndexLagMilliseconds;
    this.#index.push({ ...member, visibleFrom: this.#clock.now() + lag });
  }

  #history(message: Sent, language: string): object {
    this.pages += 1;
    const limit = Math.min(Number(message["limit"] ?? 20), this.pageLimit);
    const kept = this.#written
      .filter(({ at }) => at <= this.#clock.now())
      .map((each) => this.#inLanguage(each.caption, language))
      .sort((one, other) => one.sequence - other.sequence);
    const { since } = message;
    const wanted =
      typeof since === "number"
        ? kept.filter(({ sequence }) => sequence > since)
        : kept.slice(-limit);
    return {
      type: "captionHistory",
      sessionId: SESSION,
      targetLanguage: language,
      captions: wanted.slice(0, limit),
      isComplete: wanted.length <= limit,
    };
  }

  #inLanguage(spoken: Caption, language: string): Caption {
    const targetLanguage = language as Caption["targetLanguage"];
    return { ...spoken, targetLanguage, text: `${language} ${spoken.sequence}` };
  }

  #deliver(socket: FakeSocket, frame: object): void {
    const earliest = this.#lastArrival.get(socket) ?? 0;
    const at = Math.max(earliest, this.#clock.now() + this.#latency());
    this.#lastArrival.set(socket, at);
    this.#later(at - this.#clock.now(), () => {
      socket.receive(frame);
    });
  }

  #later(milliseconds: number, act: () => void): void {
    this.#clock.after(milliseconds, act);
  }

  #latency(): number {
    return this.#weather.random() * this.#weather.mostLatencyMilliseconds;
  }
}
