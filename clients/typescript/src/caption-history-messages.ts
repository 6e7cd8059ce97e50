// To be deleted when protocol.ts has getCaptions: import from there then, which has the same names.
import type * as protocol from "./protocol.ts";

/** Ask for the captions after the one with the sequence `since`, or for the last ones. */
export interface GetCaptions extends protocol.Message {
  readonly action: "getCaptions";
  /** A whole number from 0. */
  readonly since?: number;
  /** A whole number from 1 to 100. Default: 20. */
  readonly limit?: number;
}

/** A final caption that was kept: what its `caption` frame had, but for the session. */
export type KeptCaption = Omit<protocol.Caption, "type" | "timestamp" | "sessionId" | "requestId">;

/** The reply to getCaptions, the oldest caption first. */
export interface CaptionHistory extends protocol.Frame {
  readonly type: "captionHistory";
  readonly sessionId: string;
  readonly targetLanguage: protocol.TargetLanguage;
  readonly captions: readonly KeptCaption[];
  /** True if there are no later captions to ask for. */
  readonly isComplete: boolean;
}

export type ClientMessage = protocol.ClientMessage | GetCaptions;
export type ServerFrame = protocol.ServerFrame | CaptionHistory;
export interface Replies extends protocol.Replies {
  readonly getCaptions: CaptionHistory;
}
