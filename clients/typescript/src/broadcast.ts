import type { BroadcastState } from "./protocol.ts";

/** The newest state of a session's broadcast; frames may arrive late, twice or out of order. */
export class Broadcast {
  #state: BroadcastState | undefined;

  get state(): BroadcastState | undefined {
    return this.#state;
  }

  /** Takes a state, and returns whether it is newer than the one before. */
  offer(state: BroadcastState): boolean {
    if (this.#state !== undefined && state.version <= this.#state.version) return false;
    this.#state = state;
    return true;
  }
}
