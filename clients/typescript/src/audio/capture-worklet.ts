// Runs in the browser's audio thread. It imports nothing, so that it is one file for any bundler.

declare abstract class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new () => AudioWorkletProcessor & {
    process(inputs: readonly (readonly Float32Array[])[]): boolean;
  },
): void;

/** Some 21 ms at 48 kHz: eight of the pieces that the browser hands over. */
const SAMPLES_PER_MESSAGE = 1024;

/** Sends the microphone's samples, mixed to mono, to the page. */
class CaptureProcessor extends AudioWorkletProcessor {
  #samples = new Float32Array(SAMPLES_PER_MESSAGE);
  #filled = 0;

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const channels = inputs[0] ?? [];
    const length = channels[0]?.length ?? 0;
    for (let index = 0; index < length; index += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[index] ?? 0;
      this.#samples[this.#filled] = sum / channels.length;
      this.#filled += 1;
      if (this.#filled === SAMPLES_PER_MESSAGE) this.#send();
    }
    return true;
  }

  #send(): void {
    const samples = this.#samples;
    this.#samples = new Float32Array(SAMPLES_PER_MESSAGE);
    this.#filled = 0;
    this.port.postMessage(samples, [samples.buffer]);
  }
}

registerProcessor("live-sessions-capture", CaptureProcessor);
