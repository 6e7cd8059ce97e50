import { LiveSessionsError } from "../errors.ts";
import type { AudioSink, AudioSource } from "./audio-source.ts";
import { Pipeline } from "./pipeline.ts";

/** Why there is no microphone, for a page to say in its own words. */
export type MicrophoneProblem =
  /** The person or the browser's settings refused it. */
  | "refused"
  /** There is none. */
  | "missing"
  /** It is there and cannot be used, such as when another program has it. */
  | "unusable"
  /** The browser has no microphones or audio worklets here: the page has to come by https. */
  | "unsupported"
  /** It was unplugged or taken away while it was in use. */
  | "lost";

export class MicrophoneError extends LiveSessionsError {
  readonly problem: MicrophoneProblem;

  constructor(problem: MicrophoneProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

export interface MicrophoneOptions {
  /** The rate that the session has; default 16000. */
  readonly sampleRateHertz?: number;
  /** Which one, by the browser's id; default: the one that the browser chooses. */
  readonly deviceId?: string;
  /** Where capture-worklet.js is, if the bundler moved it: `live-sessions/capture-worklet.js`. */
  readonly workletUrl?: string | URL;
}

interface Capture {
  readonly stream: MediaStream;
  readonly context: AudioContext;
}

/** A browser's microphone, at the rate of the session whatever its own is. */
export class MicrophoneSource implements AudioSource {
  readonly sampleRateHertz: number;
  readonly #options: MicrophoneOptions;
  #capture: Capture | undefined;
  /** Rises with each start and stop: what was begun for an earlier one is given up. */
  #turn = 0;

  constructor(options: MicrophoneOptions = {}) {
    this.#options = options;
    this.sampleRateHertz = options.sampleRateHertz ?? 16_000;
  }

  /** Raises MicrophoneError. */
  async start(sink: AudioSink): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    await this.#close();
    requireSupport();
    const stream = await this.#open();
    const context = new AudioContext();
    const capture = { stream, context };
    try {
      await context.audioWorklet.addModule(
        this.#options.workletUrl ?? new URL("./capture-worklet.js", import.meta.url),
      );
      await context.resume();
    } catch (error) {
      await closed(capture);
      throw new MicrophoneError("unusable", "The audio worklet could not be loaded.", {
        cause: error,
      });
    }
    if (this.#turn !== turn) {
      await closed(capture);
      return;
    }
    this.#capture = capture;
    this.#connect(capture, sink);
  }

  async stop(): Promise<void> {
    this.#turn += 1;
    await this.#close();
  }

  async #close(): Promise<void> {
    const capture = this.#capture;
    this.#capture = undefined;
    if (capture !== undefined) await closed(capture);
  }

  #connect(capture: Capture, sink: AudioSink): void {
    const { context, stream } = capture;
    const pipeline = new Pipeline(context.sampleRate, this.sampleRateHertz, sink);
    const node = new AudioWorkletNode(context, "live-sessions-capture", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
      if (this.#capture === capture) pipeline.push(data);
    };
    context.createMediaStreamSource(stream).connect(node);
    const fail = (why: string): void => {
      if (this.#capture !== capture) return;
      void this.stop();
      sink.onFailure(new MicrophoneError("lost", why));
    };
    node.onprocessorerror = () => {
      fail("The audio worklet failed.");
    };
    for (const track of stream.getAudioTracks()) {
      track.addEventListener("ended", () => {
        fail("The microphone was taken away.");
      });
    }
  }

  async #open(): Promise<MediaStream> {
    const { deviceId } = this.#options;
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: {
          channelCount: 1,
          echoCancellation: true,
          noiseSuppression: true,
          autoGainControl: true,
          ...(deviceId === undefined ? {} : { deviceId: { exact: deviceId } }),
        },
      });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      throw new MicrophoneError(problemOf(name), `The microphone could not be opened: ${name}.`, {
        cause: error,
      });
    }
  }
}

/** The names that getUserMedia's errors have: https://w3c.github.io/mediacapture-main/#methods-5 */
export function problemOf(errorName: string): MicrophoneProblem {
  switch (errorName) {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "missing";
    default:
      return "unusable";
  }
}

function requireSupport(): void {
  // By type both are always there; a page without https has neither.
  const { navigator, AudioWorkletNode } = globalThis as {
    navigator?: { mediaDevices?: MediaDevices };
    AudioWorkletNode?: unknown;
  };
  if (navigator?.mediaDevices === undefined || AudioWorkletNode === undefined) {
    throw new MicrophoneError(
      "unsupported",
      "There is no microphone here: it needs a browser, and a page that comes by https.",
    );
  }
}

async function closed({ stream, context }: Capture): Promise<void> {
  for (const track of stream.getTracks()) track.stop();
  if (context.state !== "closed") await context.close();
}
