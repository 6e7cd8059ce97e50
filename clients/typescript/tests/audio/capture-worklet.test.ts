import assert from "node:assert/strict";
import { test } from "node:test";

interface Processor {
  process(inputs: Float32Array[][]): boolean;
}

const sent: Float32Array[] = [];
const registered = new Map<string, new () => Processor>();

Object.assign(globalThis, {
  AudioWorkletProcessor: class {
    readonly port = { postMessage: (samples: Float32Array) => sent.push(samples) };
  },
  registerProcessor: (name: string, processor: new () => Processor) => {
    registered.set(name, processor);
  },
});
await import("../../src/audio/capture-worklet.ts");

test("the worklet sends every sample once, mixed to mono, and goes on without input", () => {
  const Capture = registered.get("live-sessions-capture");
  assert.ok(Capture !== undefined);
  const capture = new Capture();
  for (let piece = 0; piece < 24; piece += 1) {
    const left = Float32Array.from({ length: 128 }, (_, index) => (piece * 128 + index) / 4_096);
    assert.ok(capture.process([[left, new Float32Array(128)]]));
    assert.ok(capture.process([]));
  }
  assert.deepEqual(
    sent.map((samples) => samples.length),
    [1_024, 1_024, 1_024],
  );
  const samples = sent.flatMap((each) => [...each]);
  assert.ok(samples.every((sample, index) => sample === index / 8_192));
});
