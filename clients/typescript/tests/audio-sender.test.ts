import assert from "node:assert/strict";
import { test } from "node:test";

import { AudioSender } from "../src/audio-sender.ts";
import { Connection } from "../src/connection.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeNetwork, type FakeSocket } from "./fake-network.ts";
import { URL } from "./frames.ts";

const CHUNK = new Int16Array(1_600).fill(7);

class Lab {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly lost: string[] = [];
  readonly sender: AudioSender;

  constructor(sampleRateHertz = 16_000) {
    this.sender = new AudioSender(this.clock, sampleRateHertz);
  }

  async connect(): Promise<FakeSocket> {
    const opening = Connection.open({
      url: URL,
      WebSocket: this.network.WebSocket,
      clock: this.clock,
      openTimeoutMilliseconds: 10_000,
      signal: new AbortController().signal,
      onFrame: () => undefined,
      onLost: (error) => this.lost.push(error.message),
    });
    this.network.last.open();
    this.sender.use(await opening);
    return this.network.last;
  }
}

/** How many samples each message has, and its sequence. */
function audio(socket: FakeSocket): { samples: number; sequence: unknown }[] {
  return socket.sent.map(({ audioData, sequence }) => ({
    samples: Buffer.from(String(audioData), "base64").length / 2,
    sequence,
  }));
}

test("chunks are sent at once, in base64, and numbered from 0 on each socket", async () => {
  const lab = new Lab();
  const first = await lab.connect();
  lab.sender.push(CHUNK);
  lab.sender.push(CHUNK);
  const second = await lab.connect();
  lab.sender.push(CHUNK);
  assert.deepEqual(audio(first), [
    { samples: 1_600, sequence: 0 },
    { samples: 1_600, sequence: 1 },
  ]);
  assert.deepEqual(audio(second), [{ samples: 1_600, sequence: 0 }]);
  assert.equal(first.sent[0]?.["action"], "sendAudio");
  assert.ok(
    Buffer.from(String(first.sent[0]["audioData"]), "base64").equals(Buffer.from(CHUNK.buffer)),
  );
});

test("what is spoken without a socket is sent on the next one, in longer chunks", async () => {
  const lab = new Lab();
  const lost = await lab.connect();
  lost.drop();
  for (let count = 0; count < 12; count += 1) lab.sender.push(CHUNK);
  const socket = await lab.connect();
  lab.sender.resume();
  assert.deepEqual(audio(socket), [
    { samples: 8_000, sequence: 0 },
    { samples: 8_000, sequence: 1 },
    { samples: 3_200, sequence: 2 },
  ]);
});

test("of a long time without a socket the last three seconds are kept", async () => {
  const lab = new Lab();
  for (let count = 0; count < 600; count += 1) lab.sender.push(CHUNK);
  const socket = await lab.connect();
  lab.sender.resume();
  const samples = audio(socket).reduce((sum, each) => sum + each.samples, 0);
  assert.equal(samples, 48_000);
});

test("no chunk is longer than the service takes, at any rate, and none shorter", async () => {
  for (const rate of [8_000, 16_000, 48_000]) {
    const lab = new Lab(rate);
    const socket = await lab.connect();
    lab.sender.hold();
    for (let count = 0; count < 20; count += 1) lab.sender.push(new Int16Array(rate / 10));
    lab.sender.push(new Int16Array(rate));
    lab.sender.push(new Int16Array(30));
    lab.sender.resume();
    const sent = audio(socket);
    assert.ok(sent.every(({ samples }) => samples >= 50 && samples <= 12_000 && samples <= rate));
    const samples = sent.reduce((sum, each) => sum + each.samples, 0);
    assert.ok(samples > 2.8 * rate && samples <= 3 * rate, `${samples / rate} s`);
    assert.deepEqual(
      sent.map(({ sequence }) => sequence),
      sent.map((_, index) => index),
    );
  }
});

test("while it is held back audio is kept, for this socket or the next", async () => {
  const lab = new Lab();
  const socket = await lab.connect();
  lab.sender.hold();
  lab.sender.push(CHUNK);
  assert.equal(socket.sent.length, 0);
  lab.sender.resume();
  assert.equal(socket.sent.length, 1);
});

test("nothing is sent while the broadcast is silent, and nothing of it afterwards", async () => {
  const lab = new Lab();
  const socket = await lab.connect();
  lab.sender.hold();
  lab.sender.push(CHUNK);
  lab.sender.isSilenced = true;
  lab.sender.resume();
  lab.sender.push(CHUNK);
  assert.equal(socket.sent.length, 0);
  lab.sender.isSilenced = false;
  lab.sender.push(CHUNK);
  assert.deepEqual(audio(socket), [{ samples: 1_600, sequence: 0 }]);
});

test("nothing is sent for as long as the service refuses it", async () => {
  const lab = new Lab();
  const socket = await lab.connect();
  lab.sender.suspend(5);
  lab.sender.push(CHUNK);
  await lab.clock.advance(4_999);
  lab.sender.push(CHUNK);
  assert.equal(socket.sent.length, 0);
  await lab.clock.advance(1);
  lab.sender.push(CHUNK);
  assert.equal(socket.sent.length, 1);
});

test("audio waits for a slow network, and goes on when it has caught up", async () => {
  const lab = new Lab();
  const socket = await lab.connect();
  socket.bufferedAmount = 100_000;
  for (let count = 0; count < 3; count += 1) {
    lab.sender.push(CHUNK);
    await lab.clock.advance(100);
  }
  assert.equal(socket.sent.length, 0);
  socket.bufferedAmount = 0;
  lab.sender.push(CHUNK);
  assert.deepEqual(audio(socket), [{ samples: 6_400, sequence: 0 }]);
  assert.deepEqual(lab.lost, []);
});

test("a socket that takes no audio for five seconds is given up", async () => {
  const lab = new Lab();
  const socket = await lab.connect();
  socket.bufferedAmount = 100_000;
  for (let count = 0; count < 51; count += 1) {
    lab.sender.push(CHUNK);
    await lab.clock.advance(100);
  }
  assert.equal(lab.lost.length, 1);
  assert.ok(socket.closedByClient);
});
