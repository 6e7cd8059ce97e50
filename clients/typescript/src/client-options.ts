import { SYSTEM_CLOCK, type Clock } from "./clock.ts";
import type { WebSocketClass } from "./connection.ts";
import { WrongStateError } from "./errors.ts";

/** What speakers and listeners have in common. */
export interface ClientOptions {
  /** The stack's output `websocketUrl`. */
  readonly url: string;
  /** Where there is no global WebSocket, such as in Node 20: the one of the package `ws`. */
  readonly WebSocket?: WebSocketClass;
  /** Time and chance, for tests. */
  readonly clock?: Clock;
}

export function webSocketOf(options: ClientOptions): WebSocketClass {
  const found = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (found === undefined) {
    throw new WrongStateError(
      "There is no WebSocket here: pass one as the option WebSocket, such as that of the package ws.",
    );
  }
  return found;
}

export function clockOf(options: ClientOptions): Clock {
  return options.clock ?? SYSTEM_CLOCK;
}
