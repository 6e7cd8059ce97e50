import type { Level } from "live-sessions";

/** The quietest level that the meter shows, in decibels of full scale. */
const FLOOR_DECIBELS = -60;
/** Speech into a usual microphone is louder. */
const QUIET_DECIBELS = -42;
/** Samples so close to full scale were cut off. */
const LOUD_PEAK_DECIBELS = -0.05;
/** Microphones without a voice have at least this much noise; switched off ones have none. */
const SILENT_DECIBELS = -75;
/** How much the meter falls with each level, so that a person can read it. */
const FALL = 0.06;

export type Loudness = "silent" | "quiet" | "good" | "loud";

/** What a meter shows: from 0 to 1, and what it means. */
export interface MeterReading {
  readonly fraction: number;
  readonly loudness: Loudness;
}

export const SILENCE: MeterReading = { fraction: 0, loudness: "silent" };

/** The reading after another level: it rises at once and falls slowly. */
export function nextReading(last: MeterReading, level: Level): MeterReading {
  const fraction = Math.max(fractionOf(level.rmsDecibels), last.fraction - FALL, 0);
  return { fraction, loudness: loudnessOf(level) };
}

function fractionOf(decibels: number): number {
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DECIBELS));
}

function loudnessOf({ rmsDecibels, peakDecibels }: Level): Loudness {
  if (rmsDecibels < SILENT_DECIBELS) return "silent";
  if (peakDecibels > LOUD_PEAK_DECIBELS) return "loud";
  return rmsDecibels < QUIET_DECIBELS ? "quiet" : "good";
}

/**
 * What a person is to know about the last seconds: the loudest of them, since speech has pauses.
 * It changes when the window is over, not with each level.
 */
export class LoudnessWatch {
  readonly #windowLevels: number;
  readonly #counts = new Map<Loudness, number>();
  #levels = 0;
  #announced: Loudness | undefined;

  /** `windowLevels` levels, of 100 ms each, are judged together. */
  constructor(windowLevels: number) {
    this.#windowLevels = windowLevels;
  }

  /** How the last full window was; undefined before the first one. */
  get announced(): Loudness | undefined {
    return this.#announced;
  }

  add(level: Level): void {
    const loudness = loudnessOf(level);
    this.#counts.set(loudness, (this.#counts.get(loudness) ?? 0) + 1);
    this.#levels += 1;
    if (this.#levels < this.#windowLevels) return;
    this.#announced = this.#judged();
    this.#counts.clear();
    this.#levels = 0;
  }

  #judged(): Loudness {
    const count = (loudness: Loudness): number => this.#counts.get(loudness) ?? 0;
    if (count("loud") * 10 > this.#levels) return "loud";
    if (count("good") + count("loud") > 0) return "good";
    return count("quiet") > 0 ? "quiet" : "silent";
  }
}
