import { SYSTEM_CLOCK, type Clock } from "../clock.ts";
import { CHUNK_MILLISECONDS, type AudioSink, type AudioSource } from "./audio-source.ts";
import { Pipeline } from "./pipeline.ts";
import { readWav, type Recording } from "./wav.ts";

export interface RecordingOptions {
  /** The rate that the session has; default 16000. */
  readonly sampleRateHertz?: number;
  /** Time, for tests. */
  readonly clock?: Clock;
}

/** A recording, sent as fast as it was spoken. Each start begins it anew. */
export class RecordingSource implements AudioSource {
  readonly sampleRateHertz: number;
  readonly #recording: Recording;
  readonly #clock: Clock;
  #stop: (() => void) | undefined;

  constructor(recording: Recording, options: RecordingOptions = {}) {
    this.#recording = recording;
    this.sampleRateHertz = options.sampleRateHertz ?? 16_000;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** A WAV file's recording; raises WavError. */
  static fromWav(file: ArrayBuffer | Uint8Array, options: RecordingOptions = {}): RecordingSource {
    return new RecordingSource(readWav(file), options);
  }

  start(sink: AudioSink): Promise<void> {
    this.#stop?.();
    const { samples, sampleRateHertz } = this.#recording;
    const pipeline = new Pipeline(sampleRateHertz, this.sampleRateHertz, sink);
    const startedAt = this.#clock.now();
    let isStopped = false;
    let sent = 0;
    let cancelTimer = (): void => undefined;
    const isOver = (): boolean => isStopped || sent === samples.length;
    const send = (): void => {
      // As much as was spoken since the start, however late the timer is: it does not drift.
      const spoken = Math.floor(((this.#clock.now() - startedAt) / 1000) * sampleRateHertz);
      const piece = samples.subarray(sent, Math.min(spoken, samples.length));
      sent += piece.length;
      pipeline.push(piece);
      if (!isOver()) {
        cancelTimer = this.#clock.after(CHUNK_MILLISECONDS, send);
        return;
      }
      pipeline.flush();
      if (!isStopped) sink.onEnd();
    };
    this.#stop = () => {
      isStopped = true;
      cancelTimer();
      pipeline.stop();
    };
    cancelTimer = this.#clock.after(CHUNK_MILLISECONDS, send);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stop?.();
    this.#stop = undefined;
    return Promise.resolve();
  }
}
