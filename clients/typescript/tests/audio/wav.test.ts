import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { WavError, readWav } from "../../src/audio/wav.ts";

interface Format {
  readonly code: number;
  readonly bits: number;
  readonly channels?: number;
  /** What comes between the format and the sound. */
  readonly between?: Buffer;
  /** The length that the file claims for its sound. */
  readonly claimedBytes?: number;
}

function part(name: string, body: Buffer, claimedBytes = body.length): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(claimedBytes);
  return Buffer.concat([Buffer.from(name), length, body, Buffer.alloc(body.length % 2)]);
}

function wav(data: Buffer, { code, bits, channels = 1, between, claimedBytes }: Format): Buffer {
  const extended = code === 0xfffe;
  const format = Buffer.alloc(extended ? 40 : 16);
  format.writeUInt16LE(code, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(16_000, 4);
  format.writeUInt16LE(bits, 14);
  if (extended) format.writeUInt16LE(1, 24);
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    part("fmt ", format),
    between ?? Buffer.alloc(0),
    part("data", data, claimedBytes),
  ]);
  return part("RIFF", body);
}

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

test("every format gives samples from -1 to 1", () => {
  const half = [0, 0.5, -0.5, -1];
  const files: [string, Buffer, Format][] = [
    ["8 bits", bytes(128, 192, 64, 0), { code: 1, bits: 8 }],
    ["16 bits", bytes(0, 0, 0, 0x40, 0, 0xc0, 0, 0x80), { code: 1, bits: 16 }],
    ["24 bits", bytes(0, 0, 0, 0, 0, 0x40, 0, 0, 0xc0, 0, 0, 0x80), { code: 1, bits: 24 }],
    [
      "32 bits",
      bytes(0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0xc0, 0, 0, 0, 0x80),
      { code: 1, bits: 32 },
    ],
    ["floats", floats(...half), { code: 3, bits: 32 }],
    ["extensible", bytes(0, 0, 0, 0x40, 0, 0xc0, 0, 0x80), { code: 0xfffe, bits: 16 }],
  ];
  for (const [name, data, format] of files) {
    const { samples, sampleRateHertz } = readWav(wav(data, format));
    assert.deepEqual([...samples], half, name);
    assert.equal(sampleRateHertz, 16_000);
  }
});

test("several channels are mixed", () => {
  const file = wav(floats(0.5, -0.5, 1, 0.5), { code: 3, bits: 32, channels: 2 });
  assert.deepEqual([...readWav(file).samples], [0, 0.75]);
});

test("other parts of a file are passed over, of even and of odd length", () => {
  const between = Buffer.concat([part("LIST", bytes(1, 2, 3)), part("fact", bytes(1, 2, 3, 4))]);
  const file = wav(floats(0.5), { code: 3, bits: 32, between });
  assert.deepEqual([...readWav(file).samples], [0.5]);
});

test("a recording that was cut off is read as far as it goes", () => {
  const file = wav(Buffer.concat([floats(0.5), bytes(1, 2)]), {
    code: 3,
    bits: 32,
    claimedBytes: 0xffff_ffff,
  });
  assert.deepEqual([...readWav(file).samples], [0.5]);
});

test("a file within a larger buffer is read from its own beginning", () => {
  const file = wav(floats(0.5), { code: 3, bits: 32 });
  const larger = new Uint8Array(file.length + 7);
  larger.set(file, 7);
  assert.deepEqual([...readWav(larger.subarray(7)).samples], [0.5]);
  const copy = new Uint8Array(file);
  assert.deepEqual([...readWav(copy.buffer).samples], [0.5]);
});

test("what is no WAV file, or of another format, is refused with the reason", () => {
  const compressed = wav(bytes(1, 2), { code: 85, bits: 16 });
  const withoutFormat = part("RIFF", Buffer.concat([Buffer.from("WAVE"), part("data", bytes(1))]));
  const sound = wav(floats(0.5), { code: 3, bits: 32 });
  const withoutSound = Buffer.from(sound.subarray(0, 36));
  const cases: [Buffer, RegExp][] = [
    [Buffer.alloc(0), /not a WAV file/],
    [Buffer.from("ID3 and more than enough"), /not a WAV file/],
    [compressed, /format 85 with 16 bits/],
    [withoutFormat, /which format/],
    [withoutSound, /no sound/],
    [wav(floats(0.5), { code: 3, bits: 32, channels: 0 }), /0 channels/],
  ];
  for (const [file, reason] of cases) {
    assert.throws(
      () => readWav(file),
      (error: unknown) => error instanceof WavError && reason.test(error.message),
    );
  }
});

test("the sample speech of this repository is read", () => {
  const file = readFileSync(new URL("../../../../local/sample_speech/speech.wav", import.meta.url));
  const { samples, sampleRateHertz } = readWav(file);
  assert.equal(sampleRateHertz, 16_000);
  assert.ok(samples.length > 16_000);
});
