import type { Level } from "./audio-source.ts";

/** Samples from -1 to 1 as 16-bit integers; louder ones are cut off, and what is no number is silence. */
export function toInt16(samples: Float32Array): Int16Array {
  return Int16Array.from(samples, (sample) =>
    Number.isNaN(sample) ? 0 : Math.min(Math.max(Math.round(sample * 32_768), -32_768), 32_767),
  );
}

/** The samples as base64 text of little-endian PCM, as sendAudio takes them. */
export function toBase64(samples: Int16Array): string {
  const bytes = new DataView(new ArrayBuffer(samples.length * 2));
  samples.forEach((sample, index) => {
    bytes.setInt16(index * 2, sample, true);
  });
  let binary = "";
  // In parts: a call takes only so many arguments.
  for (let start = 0; start < bytes.byteLength; start += 8_192) {
    const part = new Uint8Array(bytes.buffer, start, Math.min(8_192, bytes.byteLength - start));
    binary += String.fromCharCode(...part);
  }
  return btoa(binary);
}

export function levelOf(samples: Float32Array): Level {
  let peak = 0;
  let squares = 0;
  for (const sample of samples) {
    peak = Math.max(peak, Math.abs(sample));
    squares += sample * sample;
  }
  const rms = samples.length === 0 ? 0 : Math.sqrt(squares / samples.length);
  return { rmsDecibels: decibels(rms), peakDecibels: decibels(peak) };
}

function decibels(amplitude: number): number {
  return 20 * Math.log10(amplitude);
}
