import assert from "node:assert/strict";
import { test } from "node:test";

import type { ServerFrame } from "../src/protocol.ts";
import { Connection, HANDLED_WITHIN_MILLISECONDS, type WebSocketClass } from "../src/connection.ts";
import {
  ConnectionFailedError,
  ConnectionLostError,
  RequestTimeoutError,
  ServiceUnavailableError,
  SessionFullError,
  WrongStateError,
} from "../src/errors.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeNetwork } from "./fake-network.ts";
import { URL, broadcastState, sessionJoined } from "./frames.ts";

class Lab {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly stop = new AbortController();
  readonly frames: ServerFrame[] = [];
  readonly losses: string[] = [];

  opening(token?: string): Promise<Connection> {
    return Connection.open({
      url: URL,
      token,
      WebSocket: this.network.WebSocket,
      clock: this.clock,
      openTimeoutMilliseconds: 10_000,
      signal: this.stop.signal,
      onFrame: (frame) => this.frames.push(frame),
      onLost: (error) => this.losses.push(error.message),
    });
  }

  async open(): Promise<Connection> {
    const opening = this.opening();
    this.network.last.open();
    return opening;
  }

  get socket(): FakeNetwork["last"] {
    return this.network.last;
  }
}

const JOIN = { action: "joinSession", sessionId: "s", targetLanguage: "es" } as const;

test("a speaker offers the service's subprotocol and the token, a listener the first alone", () => {
  const lab = new Lab();
  void lab.opening("a.b.c");
  assert.deepEqual(lab.socket.protocols, ["live-sessions.v1", "bearer.a.b.c"]);
  assert.equal(lab.socket.url, URL);
  void lab.opening();
  assert.deepEqual(lab.socket.protocols, ["live-sessions.v1"]);
});

test("a server that does not choose the subprotocol has not seen the token, and is refused", async () => {
  const lab = new Lab();
  const opening = lab.opening("token");
  lab.socket.open("");
  await assert.rejects(opening, ConnectionFailedError);
  assert.ok(lab.socket.closedByClient);
});

test("a socket that is refused, or does not open in time, fails and leaves nothing behind", async () => {
  const lab = new Lab();
  const refused = lab.opening();
  lab.socket.drop();
  await assert.rejects(refused, /1006/);
  const silent = assert.rejects(lab.opening(), /within 10 s/);
  await lab.clock.advance(10_000);
  await silent;
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.clock.timers, 0);
  assert.deepEqual(lab.losses, []);
});

test("a socket is closed by the signal, whether it is open yet or not", async () => {
  const opening = new Lab();
  const failed = assert.rejects(opening.opening(), ConnectionFailedError);
  opening.stop.abort();
  await failed;
  assert.ok(opening.socket.closedByClient);
  assert.equal(opening.clock.timers, 0);
  const open = new Lab();
  const connection = await open.open();
  open.stop.abort();
  assert.ok(open.socket.closedByClient && !connection.isOpen);
  assert.deepEqual(open.losses, []);
});

test("a URL that the platform refuses is an error that says what it has to be", async () => {
  const Refusing = function () {
    throw new SyntaxError("no");
  } as unknown as WebSocketClass;
  const lab = new Lab();
  const opening = Connection.open({
    url: "http//",
    WebSocket: Refusing,
    clock: lab.clock,
    openTimeoutMilliseconds: 1,
    signal: lab.stop.signal,
    onFrame: () => undefined,
    onLost: () => undefined,
  });
  await assert.rejects(opening, WrongStateError);
});

test("replies are matched by requestId, in whatever order they arrive", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const first = connection.request({ action: "heartbeat" }, 1_000);
  const second = connection.request(JOIN, 1_000);
  lab.socket.reply("joinSession", sessionJoined());
  lab.socket.reply("heartbeat", { type: "heartbeatAck" });
  assert.equal((await first).type, "heartbeatAck");
  assert.equal((await second).type, "sessionJoined");
  assert.deepEqual(
    lab.frames.map((frame) => frame.type),
    ["sessionJoined", "heartbeatAck"],
  );
  assert.equal(lab.clock.timers, 0);
});

test("an error is raised in its class by the request that it answers, and is no frame", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = connection.request(JOIN, 1_000);
  lab.socket.refuse("joinSession", "SESSION_FULL", { maxListeners: 500 });
  await assert.rejects(join, SessionFullError);
  assert.deepEqual(lab.frames, []);
});

test("an error that answers no request is a frame, but one that comes too late is nothing", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = assert.rejects(connection.request(JOIN, 1_000), RequestTimeoutError);
  await lab.clock.advance(1_000);
  await join;
  lab.socket.refuse("joinSession", "SESSION_FULL");
  assert.deepEqual(lab.frames, []);
  lab.socket.receive({ type: "error", code: "INVALID_AUDIO", message: "no", timestamp: 1 });
  assert.equal(lab.frames.length, 1);
});

test("a reply that comes too late still says what the state is", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const pause = assert.rejects(connection.request({ action: "pauseBroadcast" }, 1_000));
  await lab.clock.advance(1_000);
  await pause;
  const frame = { type: "broadcastPaused", sessionId: "s", broadcastState: broadcastState(2) };
  lab.socket.reply("pauseBroadcast", frame);
  assert.equal(lab.frames[0]?.type, "broadcastPaused");
});

const GATEWAY_FRAME = { message: "Internal server error", connectionId: "c", requestId: "g" };

test("a frame of API Gateway's own is SERVICE_UNAVAILABLE for the request that is pending", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = connection.request(JOIN, 1_000);
  lab.socket.receive(GATEWAY_FRAME);
  await assert.rejects(join, ServiceUnavailableError);
  assert.deepEqual(lab.frames, []);
});

test("with several pending requests API Gateway's frame is nobody's: each has its own answer", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = connection.request(JOIN, 1_000);
  const heartbeat = connection.request({ action: "heartbeat" }, 1_000);
  lab.socket.receive(GATEWAY_FRAME);
  lab.socket.reply("joinSession", sessionJoined());
  assert.equal((await join).type, "sessionJoined");
  const timedOut = assert.rejects(heartbeat, RequestTimeoutError);
  await lab.clock.advance(1_000);
  await timedOut;
});

test("API Gateway's requestId is not taken for one of ours", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const requests = [connection.request(JOIN, 1_000), connection.request(JOIN, 1_000)];
  const { requestId } = lab.socket.message("joinSession");
  lab.socket.receive({ ...GATEWAY_FRAME, requestId });
  lab.socket.reply("joinSession", sessionJoined());
  const timedOut = assert.rejects(requests[0]!, RequestTimeoutError);
  await lab.clock.advance(1_000);
  await timedOut;
  assert.equal((await requests[1]!).type, "sessionJoined");
});

test("what is no JSON object is dropped and the socket stays usable", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  for (const data of ["", "{", "null", "[1]", "7", new ArrayBuffer(4)]) {
    lab.socket.receiveData(data);
  }
  assert.deepEqual(lab.frames, []);
  assert.ok(connection.isOpen);
});

test("a lost socket is reported once and fails what is pending; nothing is sent afterwards", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = connection.request(JOIN, 1_000);
  lab.socket.drop();
  lab.socket.drop();
  await assert.rejects(join, ConnectionLostError);
  assert.equal(lab.losses.length, 1);
  await assert.rejects(connection.request(JOIN, 1_000), ConnectionLostError);
  connection.send({ action: "heartbeat" });
  assert.equal(lab.socket.sent.length, 1);
  assert.equal(lab.clock.timers, 0);
});

test("a socket that is closed from here is not reported as lost, and drops what still comes", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = connection.request(JOIN, 1_000);
  connection.close();
  await assert.rejects(join, ConnectionLostError);
  lab.socket.state = "open";
  lab.socket.receive({ type: "heartbeatAck", timestamp: 1 });
  lab.socket.drop();
  assert.deepEqual([lab.frames, lab.losses], [[], []]);
});

test("a socket that is no longer needed is closed once its last request is answered", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  const join = connection.request(JOIN, 10_000);
  connection.closeWhenAnswered(5_000);
  assert.ok(connection.isOpen);
  lab.socket.reply("joinSession", sessionJoined());
  assert.equal((await join).type, "sessionJoined");
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.clock.timers, 0);
});

test("it stays open until the service has handled what has no reply", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  connection.send({ action: "sendAudio", audioData: "", sequence: 0 });
  await lab.clock.advance(1_000);
  connection.closeWhenAnswered(5_000);
  await lab.clock.advance(HANDLED_WITHIN_MILLISECONDS - 1_001);
  assert.ok(connection.isOpen);
  await lab.clock.advance(1);
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.clock.timers, 0);
});

test("while it waits for that it can be closed at once", async () => {
  const lab = new Lab();
  const connection = await lab.open();
  connection.send({ action: "sendAudio", audioData: "", sequence: 0 });
  connection.closeWhenAnswered(5_000);
  lab.stop.abort();
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.clock.timers, 0);
});

test("it is closed after a time if the answer does not come, and at once if nothing is pending", async () => {
  const lab = new Lab();
  const waiting = await lab.open();
  const join = assert.rejects(waiting.request(JOIN, 10_000), ConnectionLostError);
  waiting.closeWhenAnswered(5_000);
  await lab.clock.advance(5_000);
  await join;
  assert.ok(lab.socket.closedByClient);
  const idle = await lab.open();
  idle.closeWhenAnswered(5_000);
  assert.ok(lab.socket.closedByClient);
});
