import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { Resampler } from "../../src/audio/resampler.ts";
import { amplitude, decibels, peak, sine } from "./sines.ts";

function resampled(input: Float32Array, from: number, to: number): Float32Array {
  const resampler = new Resampler(from, to);
  return joined([resampler.process(input), resampler.flush()]);
}

function joined(pieces: readonly Float32Array[]): Float32Array {
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

for (const from of [44_100, 48_000, 96_000, 32_000]) {
  test(`speech at ${from} Hz keeps its level at 16000 Hz, within 0.1 dB up to 6.5 kHz`, () => {
    for (const frequency of [50, 300, 1_000, 3_400, 5_000, 6_500]) {
      const output = resampled(sine(frequency, from), from, 16_000);
      const level = decibels(amplitude(output, frequency, 16_000));
      assert.ok(Math.abs(level) < 0.1, `${frequency} Hz: ${level.toFixed(3)} dB`);
    }
  });

  test(`what is above 8 kHz at ${from} Hz does not come back as another tone: below -70 dB`, () => {
    for (const frequency of [8_100, 9_000, 12_000, 15_000]) {
      if (frequency >= from / 2) continue;
      const level = decibels(peak(resampled(sine(frequency, from), from, 16_000)));
      assert.ok(level < -70, `${frequency} Hz: ${level.toFixed(1)} dB`);
    }
  });
}

test("speech at 8000 Hz gets no mirrored tone at 16000 Hz", () => {
  const output = resampled(sine(1_000, 8_000), 8_000, 16_000);
  assert.ok(Math.abs(decibels(amplitude(output, 1_000, 16_000))) < 0.1);
  assert.ok(decibels(amplitude(output, 7_000, 16_000)) < -70);
});

test("a tone keeps its phase: a sample of the output is the input at the same time", () => {
  const output = resampled(sine(440, 48_000), 48_000, 16_000);
  const expected = sine(440, 16_000);
  assert.equal(output.length, expected.length);
  for (let index = 2_000; index < 6_000; index += 1) {
    assert.ok(Math.abs((output[index] ?? 0) - (expected[index] ?? 0)) < 1e-3);
  }
});

test("a constant stays constant at every place between two samples", () => {
  const output = resampled(new Float32Array(44_100).fill(0.5), 44_100, 16_000);
  const middle = output.subarray(1_000, 15_000);
  assert.ok(middle.every((sample) => Math.abs(sample - 0.5) < 1e-6));
});

test("an hour of pieces loses no time: the output has the input's length", () => {
  for (const from of [44_100, 48_000]) {
    const resampler = new Resampler(from, 16_000);
    const piece = new Float32Array(128);
    let samples = 0;
    for (let count = 0; count < (from * 20) / 128; count += 1) {
      samples += resampler.process(piece).length;
    }
    samples += resampler.flush().length;
    assert.ok(Math.abs(samples - 20 * 16_000) <= 50, `${samples} samples`);
  }
});

test("pieces of any length give the same samples as all at once", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 20 }),
      fc.constantFrom([48_000, 16_000], [44_100, 16_000], [8_000, 16_000], [16_000, 16_000]),
      (lengths, [from = 1, to = 1]) => {
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const input = sine(700, from, 1).subarray(0, total);
        const whole = new Resampler(from, to);
        const parts = new Resampler(from, to);
        let start = 0;
        const pieces = lengths.map((length) => {
          start += length;
          return parts.process(input.subarray(start - length, start));
        });
        assert.deepEqual(
          joined([...pieces, parts.flush()]),
          joined([whole.process(input), whole.flush()]),
        );
      },
    ),
    { numRuns: 100 },
  );
});

test("a rate that is none is refused, and so is a ratio that would need too much memory", () => {
  for (const rate of [0, -1, 16_000.5, Number.NaN]) {
    assert.throws(() => new Resampler(rate, 16_000), RangeError);
  }
  assert.throws(() => new Resampler(47_999, 16_000), /too fine/);
});
