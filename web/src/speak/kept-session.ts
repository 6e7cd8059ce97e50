import type { EndReason } from "live-sessions";

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

const KEY = "live-sessions.session";

export function keptSession(storage: Storage): KeptSession | undefined {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "null") as KeptSession | null;
    return typeof kept?.sessionId === "string" ? kept : undefined;
  } catch {
    return undefined;
  }
}

export function keepSession(storage: Storage, session: KeptSession): void {
  storage.setItem(KEY, JSON.stringify(session));
}

export function forgetSession(storage: Storage): void {
  storage.removeItem(KEY);
}
