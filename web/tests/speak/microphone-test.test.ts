import assert from "node:assert/strict";
import { test } from "node:test";

import { MicrophoneError, type AudioSink, type AudioSource } from "live-sessions";

import { MicrophoneTest } from "../../src/speak/microphone-test.ts";

const VOICE = { rmsDecibels: -24, peakDecibels: -12 };

class FakeMicrophone implements AudioSource {
  readonly sampleRateHertz = 16_000;
  readonly deviceId: string | undefined;
  sink: AudioSink | undefined;
  failure: Error | undefined;
  isStopped = false;

  constructor(deviceId: string | undefined) {
    this.deviceId = deviceId;
  }

  start(sink: AudioSink): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.sink = sink;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }
}

class Lab {
  readonly microphones: FakeMicrophone[] = [];
  failure: Error | undefined;
  readonly test = new MicrophoneTest((deviceId) => {
    const microphone = new FakeMicrophone(deviceId);
    microphone.failure = this.failure;
    this.microphones.push(microphone);
    return microphone;
  });
}

test("the level is shown at once, and after 3 s what it means", async () => {
  const lab = new Lab();
  await lab.test.start("headset");
  assert.equal(lab.microphones[0]?.deviceId, "headset");
  lab.microphones[0].sink?.onLevel(VOICE);
  assert.ok(lab.test.meter.value.fraction > 0.5);
  assert.deepEqual(lab.test.state.value, { state: "on", loudness: undefined });
  for (let level = 1; level < 30; level += 1) lab.microphones[0].sink?.onLevel(VOICE);
  assert.deepEqual(lab.test.state.value, { state: "on", loudness: "good" });
});

test("another microphone takes the place of the one before, which is let go", async () => {
  const lab = new Lab();
  await lab.test.start(undefined);
  await lab.test.start("headset");
  assert.ok(lab.microphones[0]?.isStopped);
  lab.microphones[0].sink?.onLevel(VOICE);
  lab.microphones[0].sink?.onFailure(new MicrophoneError("lost", "unplugged"));
  assert.equal(lab.test.meter.value.fraction, 0);
  assert.equal(lab.test.state.value.state, "on");
});

test("after the test the microphone is let go and the meter is at nothing", async () => {
  const lab = new Lab();
  await lab.test.start(undefined);
  lab.microphones[0]?.sink?.onLevel(VOICE);
  await lab.test.stop();
  assert.ok(lab.microphones[0]?.isStopped);
  assert.equal(lab.test.meter.value.fraction, 0);
  assert.deepEqual(lab.test.state.value, { state: "off" });
});

test("a microphone that cannot start, or is lost, is said", async () => {
  const lab = new Lab();
  lab.failure = new MicrophoneError("refused", "no");
  await lab.test.start(undefined);
  assert.deepEqual(lab.test.state.value, { state: "failed", error: lab.failure });
  lab.failure = undefined;
  await lab.test.start(undefined);
  const lost = new MicrophoneError("lost", "unplugged");
  lab.microphones[1]?.sink?.onFailure(lost);
  assert.deepEqual(lab.test.state.value, { state: "failed", error: lost });
});
