import { LiveSessionsError } from "../errors.ts";

/** The file is not a WAV file that can be read; the message says why. */
export class WavError extends LiveSessionsError {}

/** A recording: mono samples from -1 to 1. */
export interface Recording {
  readonly sampleRateHertz: number;
  readonly samples: Float32Array;
}

const PCM = 1;
const FLOAT = 3;
/** The format is in the first two bytes of the extension's GUID. */
const EXTENSIBLE = 0xfffe;

/** Reads a WAV file of PCM (8, 16, 24 or 32 bits) or of 32-bit floats; several channels are mixed. */
export function readWav(file: ArrayBuffer | Uint8Array): Recording {
  const bytes = file instanceof Uint8Array ? file : new Uint8Array(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 12 || textAt(view, 0) !== "RIFF" || textAt(view, 8) !== "WAVE") {
    throw new WavError("This is not a WAV file: it does not begin with RIFF and WAVE.");
  }
  let format: DataView | undefined;
  let data: DataView | undefined;
  for (let at = 12; at + 8 <= view.byteLength;) {
    const name = textAt(view, at);
    const start = at + 8;
    // A recorder that was cut off, or streams, leaves a length that is too large.
    const length = Math.min(view.getUint32(at + 4, true), view.byteLength - start);
    const part = new DataView(view.buffer, view.byteOffset + start, length);
    if (name === "fmt ") format = part;
    if (name === "data") data ??= part;
    at = start + length + (length % 2);
  }
  if (format === undefined || format.byteLength < 16) {
    throw new WavError("The WAV file does not say which format it has.");
  }
  if (data === undefined) throw new WavError("The WAV file has no sound in it.");
  return recording(format, data);
}

function recording(format: DataView, data: DataView): Recording {
  const channels = format.getUint16(2, true);
  const sampleRateHertz = format.getUint32(4, true);
  const bits = format.getUint16(14, true);
  let code = format.getUint16(0, true);
  if (code === EXTENSIBLE && format.byteLength >= 26) code = format.getUint16(24, true);
  const read = readerOf(code, bits, data);
  if (channels < 1 || sampleRateHertz < 1) {
    throw new WavError(`The WAV file has ${channels} channels at ${sampleRateHertz} Hz.`);
  }
  const frameBytes = (channels * bits) / 8;
  const samples = new Float32Array(Math.floor(data.byteLength / frameBytes));
  for (let frame = 0; frame < samples.length; frame += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      sum += read(frame * frameBytes + (channel * bits) / 8);
    }
    samples[frame] = sum / channels;
  }
  return { sampleRateHertz, samples };
}

function readerOf(code: number, bits: number, data: DataView): (at: number) => number {
  switch (`${code}/${bits}`) {
    case `${PCM}/8`:
      return (at) => (data.getUint8(at) - 128) / 128;
    case `${PCM}/16`:
      return (at) => data.getInt16(at, true) / 32_768;
    case `${PCM}/24`:
      return (at) => (data.getInt16(at + 1, true) * 256 + data.getUint8(at)) / 8_388_608;
    case `${PCM}/32`:
      return (at) => data.getInt32(at, true) / 2_147_483_648;
    case `${FLOAT}/32`:
      return (at) => data.getFloat32(at, true);
    default:
      throw new WavError(
        `The WAV file has format ${code} with ${bits} bits: save it as PCM with 8, 16, 24 or 32 bits.`,
      );
  }
}

function textAt(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}
