import assert from "node:assert/strict";
import { test } from "node:test";

import type { AudioSink } from "../../src/audio/audio-source.ts";
import { RecordingSource } from "../../src/audio/recording-source.ts";
import type { Clock } from "../../src/clock.ts";
import { FakeClock } from "../fake-clock.ts";
import { sine } from "./sines.ts";

class Heard implements AudioSink {
  readonly chunks: Int16Array[] = [];
  levels = 0;
  ends = 0;

  onChunk(samples: Int16Array): void {
    this.chunks.push(samples);
  }

  onLevel(): void {
    this.levels += 1;
  }

  onEnd(): void {
    this.ends += 1;
  }

  onFailure(error: Error): void {
    throw error;
  }

  get samples(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }
}

function source(seconds: number, rate = 48_000): { clock: FakeClock; source: RecordingSource } {
  const clock = new FakeClock();
  const recording = { sampleRateHertz: rate, samples: sine(440, rate, seconds) };
  return { clock, source: new RecordingSource(recording, { clock }) };
}

test("a recording is sent as fast as it was spoken, in chunks of 100 ms, and ends once", async () => {
  const { clock, source: recording } = source(1.05);
  const heard = new Heard();
  await recording.start(heard);
  await clock.advance(500);
  assert.ok(heard.chunks.length >= 4 && heard.chunks.length <= 5);
  assert.equal(heard.ends, 0);
  await clock.advance(5_000);
  assert.equal(heard.samples, 1.05 * 16_000);
  const lengths = heard.chunks.map((chunk) => chunk.length);
  assert.deepEqual(lengths, [...Array<number>(10).fill(1_600), 800]);
  assert.equal(heard.levels, heard.chunks.length);
  assert.equal(heard.ends, 1);
  assert.equal(clock.timers, 0);
});

test("timers that are late do not make it slower", async () => {
  const clock = new FakeClock();
  const late: Clock = {
    now: () => clock.now(),
    random: () => clock.random(),
    after: (milliseconds, action) => clock.after(milliseconds + 37, action),
  };
  const recording = { sampleRateHertz: 16_000, samples: sine(440, 16_000, 10) };
  const heard = new Heard();
  await new RecordingSource(recording, { clock: late }).start(heard);
  await clock.advance(10_200);
  assert.equal(heard.samples, 160_000);
});

test("a source that was stopped gives nothing more, and each start begins anew", async () => {
  const { clock, source: recording } = source(1);
  const first = new Heard();
  await recording.start(first);
  await clock.advance(300);
  await recording.stop();
  const before = first.samples;
  const second = new Heard();
  await recording.start(second);
  await clock.advance(2_000);
  assert.equal(first.samples, before);
  assert.equal(first.ends, 0);
  assert.equal(second.samples, 16_000);
});

test("a sink may stop the source while it is given a chunk", async () => {
  const { clock, source: recording } = source(1);
  const heard = new Heard();
  heard.onChunk = (samples) => {
    heard.chunks.push(samples);
    void recording.stop();
  };
  await recording.start(heard);
  await clock.advance(2_000);
  assert.equal(heard.chunks.length, 1);
  assert.equal(heard.ends, 0);
});

test("an empty recording ends at once", async () => {
  const { clock, source: recording } = source(0);
  const heard = new Heard();
  await recording.start(heard);
  await clock.advance(100);
  assert.deepEqual([heard.chunks.length, heard.ends], [0, 1]);
});
