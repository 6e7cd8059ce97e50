import { CHUNK_MILLISECONDS, type AudioSink } from "./audio-source.ts";
import { Chunker } from "./chunker.ts";
import { levelOf, toInt16 } from "./pcm.ts";
import { Resampler } from "./resampler.ts";

/** Brings samples to the session's rate, cuts them into chunks and measures their level. */
export class Pipeline {
  readonly #resampler: Resampler;
  readonly #chunker: Chunker;
  readonly #sink: AudioSink;
  #isStopped = false;

  constructor(inputHertz: number, outputHertz: number, sink: AudioSink) {
    this.#resampler = new Resampler(inputHertz, outputHertz);
    this.#chunker = new Chunker(Math.round((outputHertz * CHUNK_MILLISECONDS) / 1000));
    this.#sink = sink;
  }

  push(samples: Float32Array): void {
    for (const chunk of this.#chunker.push(this.#resampler.process(samples))) this.#give(chunk);
  }

  /** Gives what is left at the end. */
  flush(): void {
    for (const chunk of this.#chunker.push(this.#resampler.flush())) this.#give(chunk);
    const rest = this.#chunker.flush();
    if (rest.length > 0) this.#give(rest);
  }

  /** Nothing is given any more, not even what was pushed already. */
  stop(): void {
    this.#isStopped = true;
  }

  #give(chunk: Float32Array): void {
    if (this.#isStopped) return;
    this.#sink.onLevel(levelOf(chunk));
    this.#sink.onChunk(toInt16(chunk));
  }
}
