export type { AudioSink, AudioSource, Level } from "./audio/audio-source.ts";
export {
  MicrophoneError,
  MicrophoneSource,
  type MicrophoneOptions,
  type MicrophoneProblem,
} from "./audio/microphone.ts";
export { RecordingSource, type RecordingOptions } from "./audio/recording-source.ts";
export { Resampler } from "./audio/resampler.ts";
export { WavError, readWav, type Recording } from "./audio/wav.ts";
export type { ShownCaption } from "./caption-feed.ts";
export type { ClientOptions } from "./client-options.ts";
export type { Clock } from "./clock.ts";
export type { WebSocketClass, WebSocketLike } from "./connection.ts";
export * from "./errors.ts";
export { Listener, type ListenerEvents } from "./listener.ts";
export * from "./protocol.ts";
export type { ConnectionState, TokenProvider } from "./reconnecting-connection.ts";
export type {
  EndOptions,
  JoinOptions,
  ResumeOptions,
  SessionOptions,
  StateChangeOptions,
  TranscriptOptions,
} from "./requests.ts";
export { Speaker, type SpeakerEvents, type SpeakerOptions } from "./speaker.ts";
