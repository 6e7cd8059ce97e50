// To be deleted when protocol.ts has getCaptions: these are its message and its reply.
import type { Caption, Frame, Message, TargetLanguage } from "./protocol.ts";

/** Ask for the captions after the one with the sequence `since`, or for the last ones. */
export interface GetCaptions extends Message {
  readonly action: "getCaptions";
  /** A whole number from 0. */
  readonly since?: number;
  /** A whole number from 1 to 100. Default: 20. */
  readonly limit?: number;
}

/** A final caption that was kept: what its `caption` frame had, but for the session. */
export type KeptCaption = Omit<Caption, "type" | "timestamp" | "sessionId" | "requestId">;

/** The reply to getCaptions, the oldest caption first. */
export interface CaptionHistory extends Frame {
  readonly type: "captionHistory";
  readonly sessionId: string;
  readonly targetLanguage: TargetLanguage;
  readonly captions: readonly KeptCaption[];
  /** True if there are no later captions to ask for. */
  readonly isComplete: boolean;
}
