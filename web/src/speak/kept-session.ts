import type { EndReason } from "live-sessions";

import type { Kept } from "../look/kept.ts";

/** What a tab keeps of its session, so that a reload goes on with it. The passcode is not kept. */
export interface KeptSession {
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly sourceLanguage: string | undefined;
  readonly keepsTranscript: boolean;
  readonly isMicrophoneOn: boolean;
  readonly microphoneId: string | undefined;
  readonly mostListeners: number;
  readonly captionCount: number;
  /** Each language that somebody read. */
  readonly readLanguages: readonly string[];
  /** It goes on elsewhere, and is taken back if the person asks for that. */
  readonly isElsewhere: boolean;
  readonly end: SessionEnd | undefined;
}

export interface SessionEnd {
  readonly reason: EndReason | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
}

const SESSION = "session";

export function readSession(kept: Kept): KeptSession | undefined {
  try {
    const found = JSON.parse(kept.read(SESSION) ?? "null") as KeptSession | null;
    return typeof found?.sessionId === "string" ? found : undefined;
  } catch {
    return undefined;
  }
}

/** undefined: it is forgotten. */
export function writeSession(kept: Kept, session: KeptSession | undefined): void {
  kept.write(SESSION, session === undefined ? undefined : JSON.stringify(session));
}
