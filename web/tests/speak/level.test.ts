import assert from "node:assert/strict";
import { test } from "node:test";

import { LoudnessWatch, SILENCE, nextReading } from "../../src/speak/level.ts";

const VOICE = { rmsDecibels: -24, peakDecibels: -12 };
const NOISE = { rmsDecibels: -58, peakDecibels: -50 };
const CLIPPED = { rmsDecibels: -6, peakDecibels: 0 };
const NOTHING = { rmsDecibels: -Infinity, peakDecibels: -Infinity };

test("the meter shows decibels of full scale from 0 to 1", () => {
  assert.equal(nextReading(SILENCE, { rmsDecibels: 0, peakDecibels: 0 }).fraction, 1);
  assert.equal(nextReading(SILENCE, { rmsDecibels: -30, peakDecibels: -30 }).fraction, 0.5);
  assert.equal(nextReading(SILENCE, NOTHING).fraction, 0);
});

test("the meter rises at once and falls slowly, to nothing in the end", () => {
  const loud = nextReading(SILENCE, VOICE);
  assert.equal(loud.fraction, 0.6);
  let reading = nextReading(loud, NOTHING);
  assert.ok(reading.fraction > 0.5 && reading.fraction < 0.6);
  for (let level = 0; level < 20; level += 1) reading = nextReading(reading, NOTHING);
  assert.equal(reading.fraction, 0);
});

test("each level is silent, quiet, good or loud", () => {
  const loudness = [NOTHING, NOISE, VOICE, CLIPPED].map(
    (level) => nextReading(SILENCE, level).loudness,
  );
  assert.deepEqual(loudness, ["silent", "quiet", "good", "loud"]);
});

test("the last seconds are judged by their loudest part, since speech has pauses", () => {
  const watch = new LoudnessWatch(4);
  for (const level of [NOTHING, NOISE, NOISE]) watch.add(level);
  assert.equal(watch.announced, undefined);
  watch.add(VOICE);
  assert.equal(watch.announced, "good");
  for (const level of [NOTHING, NOTHING, NOTHING, NOTHING]) watch.add(level);
  assert.equal(watch.announced, "silent");
  for (const level of [NOISE, NOTHING, NOISE, NOISE]) watch.add(level);
  assert.equal(watch.announced, "quiet");
  for (const level of [CLIPPED, VOICE, VOICE, VOICE]) watch.add(level);
  assert.equal(watch.announced, "loud");
});

test("a single clap among speech is not too loud", () => {
  const watch = new LoudnessWatch(30);
  watch.add(CLIPPED);
  for (let level = 0; level < 29; level += 1) watch.add(VOICE);
  assert.equal(watch.announced, "good");
});
