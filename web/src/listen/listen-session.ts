import {
  LiveSessionsError,
  SessionEndedError,
  SessionNotFoundError,
  type BroadcastState,
  type ConnectionState,
  type EndReason,
  type Listener,
  type SessionJoined,
  type ShownCaption,
  type TargetLanguage,
} from "live-sessions";

import type { JoinLink } from "../join-link.ts";
import { withCaption, type CaptionBlock } from "./caption-blocks.ts";

export type JoinRequest = JoinLink & { readonly targetLanguage: string };

/** How a session came to its end for this reader. */
export type Ending =
  | { readonly kind: "ended"; readonly reason: EndReason | undefined }
  /** The session may go on, but without this reader. */
  | { readonly kind: "lost"; readonly error: unknown };

/** All that the listener page shows of its session. */
export interface ListenState {
  readonly phase: "outside" | "joining" | "inside";
  /** Why the last attempt to join failed. */
  readonly joinError: unknown;
  /** What was asked for when it was joined last. */
  readonly request: JoinRequest | undefined;
  readonly session: SessionJoined | undefined;
  readonly language: TargetLanguage | undefined;
  readonly changingTo: string | undefined;
  /** Why the last change of language, or anything that nobody waited for, was refused. */
  readonly refusal: unknown;
  readonly connection: ConnectionState;
  readonly broadcast: BroadcastState | undefined;
  readonly blocks: readonly CaptionBlock[];
  /** How many captions were ever shown at the end, which late ones are not. */
  readonly added: number;
  readonly partial: ShownCaption | undefined;
  readonly isPaused: boolean;
  /** Captions that wait for the reader to resume. */
  readonly heldBack: readonly ShownCaption[];
  /** The sequence of the first caption that had waited when the reader resumed. */
  readonly pausedBefore: number | undefined;
  readonly ending: Ending | undefined;
  /** A reader who was lost is joining again; all that they have read stays. */
  readonly isRejoining: boolean;
}

/** What is needed of the client package's Listener. */
export type ListenerClient = Pick<
  Listener,
  | "on"
  | "join"
  | "changeLanguage"
  | "pausePlayback"
  | "resumePlayback"
  | "leave"
  | "retryNow"
  | "close"
  | "session"
>;

const OUTSIDE: ListenState = {
  phase: "outside",
  joinError: undefined,
  request: undefined,
  session: undefined,
  language: undefined,
  changingTo: undefined,
  refusal: undefined,
  connection: { state: "closed" },
  broadcast: undefined,
  blocks: [],
  added: 0,
  partial: undefined,
  isPaused: false,
  heldBack: [],
  pausedBefore: undefined,
  ending: undefined,
  isRejoining: false,
};

/** One reader's session: what has become of it so far, and what the reader can do about it. */
export class ListenSession {
  readonly #listener: ListenerClient;
  readonly #handlers = new Set<() => void>();
  #state = OUTSIDE;
  #livePartial: ShownCaption | undefined;
  /** Each sequence is one caption, whatever its language. The client forgets them when it joins again. */
  readonly #received = new Set<number>();
  #leaving: Promise<void> | undefined;

  constructor(listener: ListenerClient) {
    this.#listener = listener;
    listener.on("connection", (connection) => {
      this.#set({ connection });
    });
    listener.on("joined", (session) => {
      // After a language change that was lost with its socket, this one is the service's.
      this.#set({ session, language: session.targetLanguage });
    });
    listener.on("languageChanged", ({ targetLanguage }) => {
      this.#set({ language: targetLanguage });
    });
    listener.on("broadcast", (broadcast) => {
      this.#set({ broadcast });
    });
    listener.on("caption", ({ caption, isLate }) => {
      if (this.#received.has(caption.sequence)) return;
      this.#received.add(caption.sequence);
      if (this.#state.isPaused) this.#set({ heldBack: [...this.#state.heldBack, caption] });
      else this.#show([caption], isLate ? 0 : 1);
    });
    listener.on("partialCaption", ({ caption }) => {
      this.#livePartial = caption;
      if (!this.#state.isPaused) this.#set({ partial: caption });
    });
    listener.on("refused", (refusal) => {
      this.#set({ refusal });
    });
    listener.on("ended", ({ reason, error }) => {
      this.#release();
      this.#set({
        partial: undefined,
        changingTo: undefined,
        ending: endingOf(reason, error),
        isRejoining: false,
      });
    });
  }

  get state(): ListenState {
    return this.#state;
  }

  /** Calls `handler` after each change until the returned function is called. */
  subscribe(handler: () => void): () => void {
    this.#handlers.add(handler);
    return () => {
      this.#handlers.delete(handler);
    };
  }

  /** Joins; resolves whether that succeeded. What failed is in the state, and is returned. */
  async join(request: JoinRequest): Promise<unknown> {
    if (this.#state.phase === "joining") return undefined;
    this.#livePartial = undefined;
    this.#received.clear();
    this.#state = { ...OUTSIDE, phase: "joining", request };
    this.#changed();
    try {
      if (this.#leaving !== undefined) {
        this.#listener.close();
        await this.#leaving;
      }
      const session = await this.#listener.join(request);
      this.#set({ phase: "inside", session });
      return undefined;
    } catch (joinError) {
      this.#state = { ...OUTSIDE, request, joinError };
      this.#changed();
      return joinError;
    }
  }

  /** Goes back into the session that was lost, in the language that was read last. */
  async rejoin(): Promise<void> {
    const { request, language, ending, isRejoining } = this.#state;
    if (request === undefined || ending?.kind !== "lost" || isRejoining) return;
    const again = { ...request, targetLanguage: language ?? request.targetLanguage };
    const read = [...this.#received];
    this.#livePartial = undefined;
    this.#set({ isRejoining: true, request: again, refusal: undefined });
    let failure: Ending | undefined;
    try {
      await this.#listener.join(
        read.length === 0
          ? again
          : { ...again, since: read.reduce((one, other) => Math.max(one, other)) },
      );
    } catch (error) {
      failure = endingOf(undefined, error);
    }
    // Meanwhile the reader may have left, or the session may have ended.
    if (this.#state.isRejoining) this.#set({ isRejoining: false, ending: failure });
  }

  /** Captions in another language from now on; a refusal is in the state. */
  async changeLanguage(targetLanguage: string): Promise<void> {
    this.#set({ changingTo: targetLanguage, refusal: undefined });
    let refusal: unknown;
    try {
      await this.#listener.changeLanguage(targetLanguage);
    } catch (error) {
      refusal = error;
    }
    // A later change is the one that counts, and a session that is over needs none.
    if (this.#state.changingTo === targetLanguage) this.#set({ changingTo: undefined, refusal });
  }

  /** Nothing new is shown until `resume`; what is said meanwhile waits. */
  pause(): void {
    if (this.#state.isPaused) return;
    this.#set({ isPaused: true });
    this.#report(this.#listener.pausePlayback());
  }

  /** Shows what has waited, in order. */
  resume(): void {
    if (!this.#state.isPaused) return;
    this.#release();
    this.#report(this.#listener.resumePlayback());
  }

  /** Leaves the session and forgets it. */
  leave(): void {
    this.#leaving = this.#listener.leave();
    this.#received.clear();
    this.#state = OUTSIDE;
    this.#changed();
  }

  /** Tries at once what it waits to try. */
  retryNow(): void {
    this.#listener.retryNow();
  }

  dismissRefusal(): void {
    this.#set({ refusal: undefined });
  }

  #release(): void {
    const { isPaused, heldBack } = this.#state;
    if (!isPaused) return;
    const pausedBefore = heldBack.reduce<number | undefined>(
      (least, { sequence }) => (least === undefined ? sequence : Math.min(least, sequence)),
      undefined,
    );
    this.#set({ isPaused: false, heldBack: [], pausedBefore, partial: this.#livePartial });
    this.#show(heldBack, heldBack.length);
  }

  #show(captions: readonly ShownCaption[], added: number): void {
    let { blocks } = this.#state;
    for (const caption of captions) blocks = withCaption(blocks, caption);
    this.#set({ blocks, added: this.#state.added + added });
  }

  /** A report to the service: what is shown here does not depend on it. */
  #report(reported: Promise<void>): void {
    reported.catch((error: unknown) => {
      if (!(error instanceof LiveSessionsError)) throw error;
    });
  }

  #set(changes: Partial<ListenState>): void {
    this.#state = { ...this.#state, ...changes };
    this.#changed();
  }

  #changed(): void {
    for (const handler of this.#handlers) handler();
  }
}

/** Without an error, or with one that says so, the session itself is over. */
function endingOf(reason: EndReason | undefined, error: unknown): Ending {
  const isOver =
    error === undefined ||
    error instanceof SessionEndedError ||
    error instanceof SessionNotFoundError;
  return isOver ? { kind: "ended", reason } : { kind: "lost", error };
}
