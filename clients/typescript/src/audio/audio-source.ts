/** How loud a piece of audio is, in decibels of full scale: 0 is the loudest, silence -Infinity. */
export interface Level {
  /** The root of the mean square. */
  readonly rmsDecibels: number;
  readonly peakDecibels: number;
}

/** What an audio source calls while it runs. */
export interface AudioSink {
  /** 100 ms of sound, or less at the end of a file. */
  onChunk(samples: Int16Array): void;
  onLevel(level: Level): void;
  /** There is no more, such as at the end of a file. */
  onEnd(): void;
  /** It cannot go on, such as when the microphone was unplugged. */
  onFailure(error: Error): void;
}

/** Where a speaker's audio comes from: mono, at a fixed sample rate, as fast as it is spoken. */
export interface AudioSource {
  /** The rate that the session has to have. */
  readonly sampleRateHertz: number;
  /** Starts; raises what prevents it, such as a refused microphone. */
  start(sink: AudioSink): Promise<void>;
  /** Stops; afterwards the sink is not called. It may be started again. */
  stop(): Promise<void>;
}

export const CHUNK_MILLISECONDS = 100;
