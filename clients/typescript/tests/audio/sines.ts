/** `seconds` of a tone with amplitude 1. */
export function sine(frequencyHertz: number, rateHertz: number, seconds = 0.5): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * rateHertz) }, (_, index) =>
    Math.sin((2 * Math.PI * frequencyHertz * index) / rateHertz),
  );
}

/** The amplitude of one frequency in the middle of a sound, by correlation with a window. */
export function amplitude(
  samples: Float32Array,
  frequencyHertz: number,
  rateHertz: number,
): number {
  const start = Math.floor(samples.length / 4);
  const length = Math.floor(samples.length / 2);
  let real = 0;
  let imaginary = 0;
  let weights = 0;
  for (let index = 0; index < length; index += 1) {
    const weight = 1 - Math.cos((2 * Math.PI * index) / length);
    const angle = (2 * Math.PI * frequencyHertz * (start + index)) / rateHertz;
    const sample = samples[start + index] ?? 0;
    real += weight * sample * Math.cos(angle);
    imaginary += weight * sample * Math.sin(angle);
    weights += weight;
  }
  return (2 * Math.hypot(real, imaginary)) / weights;
}

/** The loudest sample in the middle of a sound. */
export function peak(samples: Float32Array): number {
  const middle = samples.subarray(samples.length / 4, (samples.length * 3) / 4);
  return middle.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

export function decibels(ratio: number): number {
  return 20 * Math.log10(ratio);
}
