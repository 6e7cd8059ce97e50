/** Cuts a stream of samples into chunks of one length. */
export class Chunker {
  readonly #length: number;
  #rest = new Float32Array();

  constructor(length: number) {
    this.#length = length;
  }

  /** The chunks that are complete with a further piece. */
  push(piece: Float32Array): Float32Array[] {
    const samples = new Float32Array(this.#rest.length + piece.length);
    samples.set(this.#rest);
    samples.set(piece, this.#rest.length);
    const complete = Math.floor(samples.length / this.#length);
    this.#rest = samples.slice(complete * this.#length);
    return Array.from({ length: complete }, (_, index) =>
      samples.slice(index * this.#length, (index + 1) * this.#length),
    );
  }

  /** What is left, which is shorter than a chunk; afterwards it is empty. */
  flush(): Float32Array {
    const rest = this.#rest;
    this.#rest = new Float32Array();
    return rest;
  }
}
