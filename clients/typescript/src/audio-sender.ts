import { toBase64 } from "./audio/pcm.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";

/** What is kept while there is no socket; the service takes 5 s at once. Older audio is dropped. */
export const BACKLOG_MILLISECONDS = 3_000;
/** What was kept is sent in chunks of this length at most: the service takes 50 chunks a second. */
export const LONGEST_CHUNK_MILLISECONDS = 500;
/** A chunk has at most 24,000 bytes. */
export const LONGEST_CHUNK_SAMPLES = 12_000;
/** A chunk has at least 100 bytes. */
export const SHORTEST_CHUNK_SAMPLES = 50;
/** With more than this in the socket's own buffer, audio waits: the network is slower than speech. */
export const BUFFER_LIMIT_BYTES = 64 * 1024;
/** A socket whose buffer does not empty for so long is dead. */
export const STALL_LIMIT_MILLISECONDS = 5_000;

/** Sends a speaker's audio, with a sequence of its own on each socket. */
export class AudioSender {
  readonly #clock: Clock;
  readonly #sampleRateHertz: number;
  #connection: Connection | undefined;
  #sequence = 0;
  #backlog: Int16Array[] = [];
  #isHeld = false;
  #isSilenced = false;
  #suspendedUntil = 0;
  #stalledSince: number | undefined;

  constructor(clock: Clock, sampleRateHertz: number) {
    this.#clock = clock;
    this.#sampleRateHertz = sampleRateHertz;
  }

  /** The socket that takes audio from now on; without one, audio is kept for the next. */
  use(connection: Connection | undefined): void {
    if (connection !== this.#connection) {
      this.#connection = connection;
      this.#sequence = 0;
      this.#stalledSince = undefined;
    }
  }

  /** Keeps audio for the next socket, or for this one if it is resumed. */
  hold(): void {
    this.#isHeld = true;
  }

  resume(): void {
    this.#isHeld = false;
    this.#sendBacklog();
  }

  /** Whether the service would drop the audio: it is paused, muted, or at volume 0. */
  set isSilenced(isSilenced: boolean) {
    this.#isSilenced = isSilenced;
    if (isSilenced) this.#backlog = [];
  }

  /** Sends nothing for so long, since the service refuses it. */
  suspend(seconds: number): void {
    this.#suspendedUntil = this.#clock.now() + seconds * 1000;
    this.#backlog = [];
  }

  /** Takes a chunk of at most a second; whether it is sent, now or later. */
  push(samples: Int16Array): boolean {
    if (this.#isSilenced || this.#clock.now() < this.#suspendedUntil) return false;
    this.#backlog.push(samples);
    this.#dropOldest();
    this.#sendBacklog();
    return true;
  }

  #dropOldest(): void {
    const limit = (this.#sampleRateHertz * BACKLOG_MILLISECONDS) / 1000;
    let length = this.#backlog.reduce((sum, chunk) => sum + chunk.length, 0);
    while (length > limit) length -= this.#backlog.shift()?.length ?? length;
  }

  #sendBacklog(): void {
    const connection = this.#connection;
    if (connection?.isOpen !== true || this.#isHeld) return;
    while (this.#backlog.length > 0) {
      if (connection.bufferedBytes > BUFFER_LIMIT_BYTES) {
        this.#stalled(connection);
        return;
      }
      this.#stalledSince = undefined;
      const samples = this.#nextChunk();
      if (samples.length < SHORTEST_CHUNK_SAMPLES) continue;
      connection.send({
        action: "sendAudio",
        audioData: toBase64(samples),
        sequence: this.#sequence,
      });
      this.#sequence += 1;
    }
  }

  #stalled(connection: Connection): void {
    this.#stalledSince ??= this.#clock.now();
    if (this.#clock.now() - this.#stalledSince >= STALL_LIMIT_MILLISECONDS) {
      connection.giveUp("The socket is dead: it takes no more audio.");
    }
  }

  /** What is kept, up to the longest chunk; a longer one that was pushed is cut. */
  #nextChunk(): Int16Array {
    const limit = Math.min(
      Math.floor((this.#sampleRateHertz * LONGEST_CHUNK_MILLISECONDS) / 1000),
      LONGEST_CHUNK_SAMPLES,
    );
    const parts: Int16Array[] = [];
    let length = 0;
    for (;;) {
      const next = this.#backlog[0];
      if (next === undefined || (length > 0 && length + next.length > limit)) break;
      const room = limit - length;
      parts.push(next.subarray(0, room));
      length += Math.min(next.length, room);
      if (next.length > room) {
        this.#backlog[0] = next.subarray(room);
        break;
      }
      this.#backlog.shift();
    }
    const chunk = new Int16Array(length);
    let filled = 0;
    for (const part of parts) {
      chunk.set(part, filled);
      filled += part.length;
    }
    return chunk;
  }
}
