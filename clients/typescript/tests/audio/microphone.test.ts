/** The microphone on a browser's objects that the test made: what it asks for, and what goes wrong. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import type { AudioSink } from "../../src/audio/audio-source.ts";
import { MicrophoneError, MicrophoneSource, problemOf } from "../../src/audio/microphone.ts";
import { settled } from "../fake-clock.ts";
import { sine } from "./sines.ts";

const REPLACED = ["navigator", "AudioContext", "AudioWorkletNode"] as const;
const originals = REPLACED.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));

afterEach(() => {
  REPLACED.forEach((name, index) => {
    Reflect.deleteProperty(globalThis, name);
    const original = originals[index];
    if (original !== undefined) Object.defineProperty(globalThis, name, original);
  });
});

class FakeTrack extends EventTarget {
  isStopped = false;

  stop(): void {
    this.isStopped = true;
  }
}

/** A browser with one microphone at 48 kHz. */
class FakeBrowser {
  readonly track = new FakeTrack();
  readonly asked: MediaStreamConstraints[] = [];
  readonly modules: string[] = [];
  readonly nodes: { port: { onmessage?: (event: { data: Float32Array }) => void } }[] = [];
  state: "running" | "closed" = "running";
  refusal: Error | undefined;
  moduleFailure: Error | undefined;

  constructor() {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- for the classes below
    const browser = this;
    const stream = { getTracks: () => [this.track], getAudioTracks: () => [this.track] };
    const replace = (name: (typeof REPLACED)[number], value: unknown): void => {
      Object.defineProperty(globalThis, name, { value, configurable: true });
    };
    replace("navigator", {
      mediaDevices: {
        getUserMedia: (constraints: MediaStreamConstraints) => {
          this.asked.push(constraints);
          return this.refusal === undefined
            ? Promise.resolve(stream)
            : Promise.reject(this.refusal);
        },
      },
    });
    replace(
      "AudioContext",
      class {
        readonly sampleRate = 48_000;
        readonly audioWorklet = {
          addModule: (url: string | URL) => {
            browser.modules.push(String(url));
            return browser.moduleFailure === undefined
              ? Promise.resolve()
              : Promise.reject(browser.moduleFailure);
          },
        };

        get state(): string {
          return browser.state;
        }

        resume(): Promise<void> {
          return Promise.resolve();
        }

        close(): Promise<void> {
          browser.state = "closed";
          return Promise.resolve();
        }

        createMediaStreamSource(): { connect: () => void } {
          return { connect: () => undefined };
        }
      },
    );
    replace(
      "AudioWorkletNode",
      class {
        readonly port = {};

        constructor() {
          browser.nodes.push(this);
        }
      },
    );
  }

  hear(samples: Float32Array): void {
    this.nodes.at(-1)?.port.onmessage?.({ data: samples });
  }
}

class Heard implements AudioSink {
  readonly chunks: Int16Array[] = [];
  readonly levels: number[] = [];
  readonly failures: Error[] = [];

  onChunk(samples: Int16Array): void {
    this.chunks.push(samples);
  }

  onLevel({ rmsDecibels }: { readonly rmsDecibels: number }): void {
    this.levels.push(rmsDecibels);
  }

  onEnd(): void {
    throw new Error("a microphone has no end");
  }

  onFailure(error: Error): void {
    this.failures.push(error);
  }
}

test("a microphone at 48000 Hz gives chunks of 100 ms at 16000 Hz, with their level", async () => {
  const browser = new FakeBrowser();
  const heard = new Heard();
  await new MicrophoneSource({ deviceId: "headset" }).start(heard);
  const sound = sine(1_000, 48_000, 1);
  for (let start = 0; start < sound.length; start += 1_024) {
    browser.hear(sound.subarray(start, start + 1_024));
  }
  assert.ok(heard.chunks.length === 9, "the last chunk waits for the 2 ms after it");
  assert.ok(heard.chunks.every((chunk) => chunk.length === 1_600));
  assert.ok(heard.levels.slice(1).every((level) => Math.abs(level + 3.01) < 0.1));
  const { audio } = browser.asked[0] as { audio: MediaTrackConstraints };
  assert.equal(audio.channelCount, 1);
  assert.deepEqual(audio.deviceId, { exact: "headset" });
  assert.match(browser.modules[0] ?? "", /audio\/capture-worklet\.js$/);
});

test("the worklet is loaded from where the page says that it is", async () => {
  const browser = new FakeBrowser();
  await new MicrophoneSource({ workletUrl: "/assets/worklet-1a2b.js" }).start(new Heard());
  assert.deepEqual(browser.modules, ["/assets/worklet-1a2b.js"]);
});

test("stopping turns the microphone off, and nothing is heard afterwards", async () => {
  const browser = new FakeBrowser();
  const heard = new Heard();
  const microphone = new MicrophoneSource();
  await microphone.start(heard);
  await microphone.stop();
  assert.ok(browser.track.isStopped);
  assert.equal(browser.state, "closed");
  browser.hear(new Float32Array(48_000));
  assert.deepEqual(heard.chunks, []);
});

test("a microphone that is stopped while it starts is turned off again", async () => {
  const browser = new FakeBrowser();
  const microphone = new MicrophoneSource();
  const starting = microphone.start(new Heard());
  await microphone.stop();
  await starting;
  assert.ok(browser.track.isStopped);
  assert.deepEqual(browser.nodes, []);
});

test("a microphone that is taken away is a failure, once", async () => {
  const browser = new FakeBrowser();
  const heard = new Heard();
  await new MicrophoneSource().start(heard);
  browser.track.dispatchEvent(new Event("ended"));
  browser.track.dispatchEvent(new Event("ended"));
  await settled();
  assert.equal(heard.failures.length, 1);
  const [failure] = heard.failures;
  assert.ok(failure instanceof MicrophoneError && failure.problem === "lost");
  assert.equal(browser.state, "closed");
});

test("each refusal of the browser is a problem that a page can name", async () => {
  const problems = ["NotAllowedError", "SecurityError", "NotFoundError", "OverconstrainedError"];
  assert.deepEqual([...problems, "NotReadableError", "AbortError"].map(problemOf), [
    "refused",
    "refused",
    "missing",
    "missing",
    "unusable",
    "unusable",
  ]);
  const browser = new FakeBrowser();
  browser.refusal = new DOMException("no", "NotAllowedError");
  await assert.rejects(
    new MicrophoneSource().start(new Heard()),
    (error: unknown) => error instanceof MicrophoneError && error.problem === "refused",
  );
});

test("a worklet that cannot be loaded turns the microphone off again", async () => {
  const browser = new FakeBrowser();
  browser.moduleFailure = new Error("404");
  await assert.rejects(
    new MicrophoneSource().start(new Heard()),
    (error: unknown) => error instanceof MicrophoneError && error.problem === "unusable",
  );
  assert.ok(browser.track.isStopped);
});

test("where there are no microphones, such as without https, the error says so", async () => {
  await assert.rejects(
    new MicrophoneSource().start(new Heard()),
    (error: unknown) => error instanceof MicrophoneError && error.problem === "unsupported",
  );
});
