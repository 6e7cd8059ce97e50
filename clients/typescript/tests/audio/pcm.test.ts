import assert from "node:assert/strict";
import { test } from "node:test";

import { Chunker } from "../../src/audio/chunker.ts";
import { levelOf, toBase64, toInt16 } from "../../src/audio/pcm.ts";
import { sine } from "./sines.ts";

test("samples are rounded, what is too loud is cut off, and what is no number is silence", () => {
  const samples = Float32Array.of(0, 1, -1, 0.5, 1.7, -9, Number.NaN, 0.00004);
  assert.deepEqual([...toInt16(samples)], [0, 32_767, -32_768, 16_384, 32_767, -32_768, 0, 1]);
});

test("16-bit samples that were read come out as they were", () => {
  const values = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768);
  assert.deepEqual(toInt16(Float32Array.from(values, (value) => value / 32_768)), values);
});

test("base64 has the samples in little-endian order, also of the longest chunk", () => {
  assert.equal(toBase64(Int16Array.of(1, -2)), Buffer.from([1, 0, 0xfe, 0xff]).toString("base64"));
  const long = Int16Array.from({ length: 12_000 }, (_, index) => index * 5 - 30_000);
  assert.ok(Buffer.from(toBase64(long), "base64").equals(Buffer.from(long.buffer)));
});

test("the level of a full tone is -3 dB, its peak 0 dB, and silence has none", () => {
  const { rmsDecibels, peakDecibels } = levelOf(sine(1_000, 16_000));
  assert.ok(Math.abs(rmsDecibels + 3.01) < 0.01);
  assert.ok(Math.abs(peakDecibels) < 0.01);
  const silence = { rmsDecibels: -Infinity, peakDecibels: -Infinity };
  assert.deepEqual(levelOf(new Float32Array(100)), silence);
  assert.deepEqual(levelOf(new Float32Array()), silence);
});

test("chunks have one length, and what is left at the end is shorter", () => {
  const chunker = new Chunker(4);
  const pieces = [[1, 2], [3, 4, 5], [6, 7, 8, 9, 10, 11, 12, 13], []];
  const chunks = pieces.flatMap((piece) => chunker.push(Float32Array.from(piece)));
  assert.deepEqual(
    chunks.map((chunk) => [...chunk]),
    [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ],
  );
  assert.deepEqual([...chunker.flush()], [13]);
  assert.equal(chunker.flush().length, 0);
});
