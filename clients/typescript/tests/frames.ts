import type { BroadcastState, Caption, SessionJoined } from "../src/protocol.ts";

export const URL = "wss://stack.example/live";
export const SESSION = "golden-river-482-917";

export function broadcastState(version = 1, changes: Partial<BroadcastState> = {}): BroadcastState {
  return {
    isActive: true,
    isPaused: false,
    isMuted: false,
    volume: 1,
    version,
    lastStateChange: 0,
    ...changes,
  };
}

export function sessionJoined(changes: Partial<SessionJoined> = {}): SessionJoined {
  return {
    type: "sessionJoined",
    timestamp: 1,
    sessionId: SESSION,
    targetLanguage: "es",
    sourceLanguage: "en",
    connectionId: "connection-1",
    broadcastState: broadcastState(),
    isTranscriptKept: false,
    ...changes,
  };
}

export function caption(sequence: number, changes: Partial<Caption> = {}): Caption {
  return {
    type: "caption",
    timestamp: sequence,
    sessionId: SESSION,
    sequence,
    sourceLanguage: "en",
    targetLanguage: "es",
    text: `texto ${sequence}`,
    originalText: `text ${sequence}`,
    isPartial: false,
    spokenAt: sequence,
    translated: true,
    ...changes,
  };
}

export function history(
  captions: readonly Caption[],
  isComplete = true,
): { type: "captionHistory"; [field: string]: unknown } {
  return {
    type: "captionHistory",
    sessionId: SESSION,
    targetLanguage: "es",
    captions,
    isComplete,
  };
}
