import type {
  CreateSession,
  GetTranscript,
  JoinSession,
  RefreshAsSpeaker,
  SpeakerStateChange,
} from "./protocol.ts";

type Fields<Message> = Omit<Message, "action" | "requestId">;

/** What `createSession` may be given. */
export type SessionOptions = Fields<CreateSession>;

/** What `resumeSession` may be given. */
export type ResumeOptions = Fields<RefreshAsSpeaker>;

/** What `getTranscript` may be given. */
export type TranscriptOptions = Fields<GetTranscript>;

/** What `join` may be given. */
export interface JoinOptions extends Fields<JoinSession> {
  /**
   * The sequence of the last caption that was shown before, by an earlier membership of the same
   * session: what came after it follows. Without it, the last captions of the session come first.
   */
  readonly since?: number;
}

/** What `end` may be given. */
export interface EndOptions {
  /**
   * How long after the last audio the session ends at the soonest, so that listeners read what was
   * said last; default: 4000. With 0 it ends at once.
   */
  readonly lastWordsMilliseconds?: number;
}

/** What `changeState` may be given: at least one of the broadcast's switches. */
export type StateChangeOptions = SpeakerStateChange["state"];
