/** Taps on each side of a sample, in periods of the lower of the two rates. */
const ZERO_CROSSINGS = 32;
/** The Kaiser window's shape: stop band at about -80 dB. */
const BETA = 8;
/** Where the low-pass is at half amplitude, as a part of the lower rate's Nyquist frequency. */
const CUTOFF = 0.92;
/** More phases than this would need too much memory; the rates in use need at most 441. */
const MOST_PHASES = 4096;

/**
 * Changes the sample rate of a stream of mono audio, by a polyphase low-pass filter (windowed sinc).
 *
 * Flat to 0.85 of the lower rate's Nyquist frequency; what is above that frequency, and would come
 * back as another tone, is more than 70 dB lower. An output sample needs the input of the 2 ms (at
 * 16 kHz) that follow it. Pieces of any length give the same samples as all at once.
 */
export class Resampler {
  readonly inputHertz: number;
  readonly outputHertz: number;
  /** Output samples per cycle, and input samples in the same time. */
  readonly #up: number;
  readonly #down: number;
  /** One filter for each place of an output sample between two input samples. */
  readonly #phases: readonly Float64Array[];
  readonly #tapsPerPhase: number;
  /** The last input, with the oldest sample that is still needed first. */
  #history: Float32Array;
  /** The next output sample: its input position, as a whole index and a phase. */
  #index: number;
  #phase = 0;

  constructor(inputHertz: number, outputHertz: number) {
    for (const rate of [inputHertz, outputHertz]) {
      if (!Number.isInteger(rate) || rate <= 0) {
        throw new RangeError(`A sample rate is a whole number of hertz above 0, not ${rate}.`);
      }
    }
    this.inputHertz = inputHertz;
    this.outputHertz = outputHertz;
    const divisor = greatestCommonDivisor(inputHertz, outputHertz);
    this.#up = outputHertz / divisor;
    this.#down = inputHertz / divisor;
    if (this.#up > MOST_PHASES) {
      throw new RangeError(
        `${inputHertz} Hz cannot be brought to ${outputHertz} Hz: their ratio is too fine.`,
      );
    }
    const lower = Math.min(inputHertz, outputHertz);
    const halfWidth = Math.ceil((ZERO_CROSSINGS * inputHertz) / lower);
    this.#tapsPerPhase = 2 * halfWidth;
    this.#phases = Array.from({ length: this.#up }, (_, phase) =>
      filterOfPhase(phase / this.#up, halfWidth, (CUTOFF * lower) / inputHertz),
    );
    // Silence before the first sample, so that the first output sample is at the first input's time.
    this.#history = new Float32Array(halfWidth - 1);
    this.#index = 0;
  }

  /** The output for a further piece of input, as far as it can be known. */
  process(input: Float32Array): Float32Array {
    if (this.#up === this.#down) return input.slice();
    const samples = new Float32Array(this.#history.length + input.length);
    samples.set(this.#history);
    samples.set(input, this.#history.length);
    const output: number[] = [];
    while (this.#index + this.#tapsPerPhase <= samples.length) {
      const filter = this.#phases[this.#phase] ?? new Float64Array();
      let sum = 0;
      for (let tap = 0; tap < filter.length; tap += 1) {
        sum += (filter[tap] ?? 0) * (samples[this.#index + tap] ?? 0);
      }
      output.push(sum);
      this.#phase += this.#down;
      this.#index += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    const kept = Math.min(this.#index, samples.length);
    this.#history = samples.slice(kept);
    this.#index -= kept;
    return Float32Array.from(output);
  }

  /** The end of the stream: what is left, as if silence followed. */
  flush(): Float32Array {
    const silence = this.#up === this.#down ? 0 : this.#tapsPerPhase / 2;
    return this.process(new Float32Array(silence));
  }
}

/** The taps for an output sample that lies `fraction` of an input sample after tap `halfWidth - 1`. */
function filterOfPhase(fraction: number, halfWidth: number, cutoff: number): Float64Array {
  const taps = new Float64Array(2 * halfWidth);
  for (let tap = 0; tap < taps.length; tap += 1) {
    const distance = tap - (halfWidth - 1) - fraction;
    taps[tap] = cutoff * sinc(cutoff * distance) * kaiser(distance / halfWidth);
  }
  // The same gain for every phase, so that a constant stays constant.
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / gain);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : besselI0(BETA * Math.sqrt(1 - x * x)) / besselI0(BETA);
}

/** The modified Bessel function of order zero, by its series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let n = 1; term > sum * 1e-12; n += 1) {
    term *= (x / (2 * n)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
