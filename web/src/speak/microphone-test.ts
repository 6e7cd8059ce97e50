import type { AudioSource } from "live-sessions";

import { LoudnessWatch, SILENCE, nextReading, type Loudness, type MeterReading } from "./level.ts";
import { Store } from "./store.ts";

/** 3 s. */
const WINDOW_LEVELS = 30;

export type MicrophoneTestState =
  | { readonly state: "off" }
  | { readonly state: "starting" }
  | { readonly state: "on"; readonly loudness: Loudness | undefined }
  | { readonly state: "failed"; readonly error: unknown };

/** Listens to a microphone before a session; nothing of it is sent. */
export class MicrophoneTest {
  readonly state = new Store<MicrophoneTestState>({ state: "off" });
  readonly meter = new Store<MeterReading>(SILENCE);
  readonly #microphone: (deviceId: string | undefined) => AudioSource;
  #source: AudioSource | undefined;

  constructor(microphone: (deviceId: string | undefined) => AudioSource) {
    this.#microphone = microphone;
  }

  /** Starts with this microphone, in place of the one before. */
  async start(deviceId: string | undefined): Promise<void> {
    await this.stop();
    const source = this.#microphone(deviceId);
    const watch = new LoudnessWatch(WINDOW_LEVELS);
    this.#source = source;
    this.state.set({ state: "starting" });
    try {
      await source.start({
        onChunk: () => undefined,
        onLevel: (level) => {
          if (this.#source !== source) return;
          this.meter.set(nextReading(this.meter.value, level));
          watch.add(level);
          const shown = this.state.value;
          if (shown.state === "on" && shown.loudness !== watch.announced) {
            this.state.set({ state: "on", loudness: watch.announced });
          }
        },
        onEnd: () => undefined,
        onFailure: (error) => {
          this.#fail(source, error);
        },
      });
      if (this.#source === source) this.state.set({ state: "on", loudness: undefined });
      else await source.stop();
    } catch (error) {
      this.#fail(source, error);
    }
  }

  async stop(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    this.meter.set(SILENCE);
    this.state.set({ state: "off" });
    await source?.stop();
  }

  #fail(source: AudioSource, error: unknown): void {
    if (this.#source !== source) return;
    this.#source = undefined;
    this.meter.set(SILENCE);
    this.state.set({ state: "failed", error });
  }
}
