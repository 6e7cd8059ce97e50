import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionFailedError,
  ConnectionLostError,
  InvalidPasscodeError,
  SessionEndedError,
  UnsupportedLanguageError,
  WrongStateError,
} from "../src/errors.ts";
import { Listener, type ListenerEvents } from "../src/listener.ts";
import { FakeClock, settled } from "./fake-clock.ts";
import { FakeNetwork, type FakeSocket } from "./fake-network.ts";
import { SESSION, URL, broadcastState, caption, history, sessionJoined } from "./frames.ts";

const OPTIONS = { sessionId: SESSION, targetLanguage: "es-ES" };

class Lab {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly listener = new Listener({
    url: URL,
    WebSocket: this.network.WebSocket,
    clock: this.clock,
  });
  /** The sequences of the finals. */
  readonly captions: number[] = [];
  readonly ended: ListenerEvents["ended"][] = [];

  constructor() {
    this.listener.on("caption", ({ caption: { sequence } }) => this.captions.push(sequence));
    this.listener.on("ended", (event) => this.ended.push(event));
  }

  get socket(): FakeSocket {
    return this.network.last;
  }

  /** Joins, and is answered. */
  async join(more: { since?: number } = {}): Promise<void> {
    const joining = this.listener.join({ ...OPTIONS, ...more });
    await this.opened();
    this.socket.reply("joinSession", sessionJoined());
    await joining;
    await settled();
  }

  /** Joins, and both questions about the history are answered. */
  async joinFully(...captions: number[]): Promise<void> {
    await this.join();
    const reply = history(captions.map((sequence) => caption(sequence)));
    this.socket.reply("getCaptions", reply);
    await this.clock.advance(6_000);
    this.socket.reply("getCaptions", reply);
    await settled();
  }

  /** The newest socket opens. */
  async opened(): Promise<void> {
    await settled();
    this.socket.open();
    await settled();
  }
}

test("joining resolves with the reply and repeats every option that it was given", async () => {
  const lab = new Lab();
  const options = { ...OPTIONS, passcode: "048213" };
  const joining = lab.listener.join(options);
  await lab.opened();
  assert.deepEqual(lab.socket.sent, [{ action: "joinSession", ...options, requestId: "1" }]);
  lab.socket.reply("joinSession", sessionJoined());
  assert.equal((await joining).connectionId, "connection-1");
  assert.equal(lab.listener.targetLanguage, "es");
  assert.equal(lab.listener.session?.sessionId, SESSION);
  assert.deepEqual(lab.listener.broadcastState, broadcastState());
});

test("what the service refuses is raised, and another attempt can follow", async () => {
  const lab = new Lab();
  const joining = lab.listener.join(OPTIONS);
  await lab.opened();
  lab.socket.refuse("joinSession", "INVALID_PASSCODE");
  await assert.rejects(joining, InvalidPasscodeError);
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.listener.session, undefined);
  await lab.join();
  assert.equal(lab.listener.connectionState.state, "connected");
  assert.deepEqual(lab.ended, []);
});

test("a socket that does not open is raised", async () => {
  const lab = new Lab();
  const joining = lab.listener.join(OPTIONS);
  await settled();
  lab.socket.drop();
  await assert.rejects(joining, ConnectionFailedError);
});

test("a listener is in one session at a time, and in none it can do nothing", async () => {
  const lab = new Lab();
  await assert.rejects(lab.listener.changeLanguage("fr"), WrongStateError);
  await assert.rejects(lab.listener.pausePlayback(), WrongStateError);
  await lab.join();
  await assert.rejects(lab.listener.join(OPTIONS), WrongStateError);
});

test("who joins reads the last captions first, then those that came meanwhile", async () => {
  const lab = new Lab();
  await lab.join();
  assert.deepEqual(lab.socket.message("getCaptions"), {
    action: "getCaptions",
    limit: 20,
    requestId: "2",
  });
  lab.socket.receive(caption(9));
  assert.deepEqual(lab.captions, []);
  lab.socket.reply("getCaptions", history([caption(7), caption(8)]));
  await settled();
  assert.deepEqual(lab.captions, [7, 8, 9]);
});

test("who has read up to a caption before gets what came after it, in full and once", async () => {
  const lab = new Lab();
  await lab.join({ since: 7 });
  assert.ok(!("since" in lab.socket.message("joinSession")));
  assert.deepEqual(lab.socket.message("getCaptions"), {
    action: "getCaptions",
    limit: 100,
    requestId: "2",
    since: 7,
  });
  for (const sequence of [6, 7, 10]) lab.socket.receive(caption(sequence));
  lab.socket.reply("getCaptions", history([caption(8), caption(9)]));
  await settled();
  assert.deepEqual(lab.captions, [8, 9, 10]);
  await lab.clock.advance(6_000);
  assert.deepEqual(lab.socket.message("getCaptions")["since"], 7);
});

test("the same is asked once more some seconds later, and never again", async () => {
  const lab = new Lab();
  await lab.join();
  lab.socket.reply("getCaptions", history([caption(7)]));
  await lab.clock.advance(3_900);
  assert.equal(lab.socket.count("getCaptions"), 1);
  await lab.clock.advance(2_100);
  assert.equal(lab.socket.count("getCaptions"), 2);
  lab.socket.reply("getCaptions", history([caption(6), caption(7), caption(8)]));
  await settled();
  assert.deepEqual(lab.captions, [7, 6, 8]);
  await lab.clock.advance(50_000);
  assert.equal(lab.socket.count("getCaptions"), 2);
});

test("live captions are not held back for long if the history does not answer", async () => {
  const lab = new Lab();
  await lab.join();
  lab.socket.receive(caption(9));
  await lab.clock.advance(4_900);
  assert.deepEqual(lab.captions, []);
  await lab.clock.advance(100);
  assert.deepEqual(lab.captions, [9]);
});

test("a service without the history is not asked again, and captions come at once", async () => {
  const lab = new Lab();
  await lab.join();
  lab.socket.receive(caption(9));
  lab.socket.refuse("getCaptions", "INVALID_ACTION");
  await settled();
  assert.deepEqual(lab.captions, [9]);
  await lab.clock.advance(59_000);
  assert.equal(lab.socket.count("getCaptions"), 1);
});

test("after a loss the connection is refreshed, and what was missed is asked for page by page", async () => {
  const lab = new Lab();
  await lab.joinFully(3);
  lab.socket.receive(caption(4));
  lab.socket.drop();
  await lab.clock.advance(1_000);
  await lab.opened();
  assert.deepEqual(lab.socket.sent, [
    {
      action: "refreshConnection",
      sessionId: SESSION,
      connectionId: "connection-1",
      targetLanguage: "es",
      requestId: "1",
    },
  ]);
  lab.socket.reply("refreshConnection", {
    type: "connectionRefreshComplete",
    sessionId: SESSION,
    connectionId: "connection-2",
    broadcastState: broadcastState(2),
  });
  await settled();
  assert.equal(lab.socket.message("getCaptions")["since"], 4);
  lab.socket.receive(caption(8));
  lab.socket.reply("getCaptions", history([caption(5), caption(6)], false));
  await settled();
  assert.equal(lab.socket.message("getCaptions")["since"], 6);
  assert.deepEqual(lab.captions, [3, 4]);
  lab.socket.reply("getCaptions", history([caption(7)]));
  await settled();
  assert.deepEqual(lab.captions, [3, 4, 5, 6, 7, 8]);
  await lab.clock.advance(6_000);
  assert.equal(lab.socket.message("getCaptions")["since"], 4, "the second question is the same");
});

test("the second refresh names the connection of the first", async () => {
  const lab = new Lab();
  await lab.joinFully();
  for (const connectionId of ["connection-1", "connection-2"]) {
    lab.socket.drop();
    await lab.clock.advance(2_000);
    await lab.opened();
    assert.equal(lab.socket.message("refreshConnection")["connectionId"], connectionId);
    lab.socket.reply("refreshConnection", {
      type: "connectionRefreshComplete",
      sessionId: SESSION,
      connectionId: "connection-2",
      broadcastState: broadcastState(2),
    });
    await settled();
  }
});

test("if the old connection is unknown the listener joins again, in its present language", async () => {
  const lab = new Lab();
  const joined: string[] = [];
  lab.listener.on("joined", ({ connectionId }) => joined.push(connectionId));
  await lab.joinFully();
  lab.socket.drop();
  await lab.clock.advance(1_000);
  await lab.opened();
  lab.socket.refuse("refreshConnection", "CONNECTION_NOT_FOUND");
  await settled();
  assert.deepEqual(lab.socket.message("joinSession"), {
    action: "joinSession",
    sessionId: SESSION,
    targetLanguage: "es",
    requestId: "2",
  });
  lab.socket.reply("joinSession", sessionJoined({ connectionId: "connection-2" }));
  await settled();
  assert.deepEqual(joined, ["connection-1", "connection-2"]);
});

test("who is asked to join again and finds no session has come to its end", async () => {
  const lab = new Lab();
  await lab.joinFully();
  lab.socket.drop();
  await lab.clock.advance(1_000);
  await lab.opened();
  lab.socket.refuse("refreshConnection", "CONNECTION_NOT_FOUND");
  await settled();
  lab.socket.refuse("joinSession", "SESSION_ENDED");
  await settled();
  assert.equal(lab.ended.length, 1);
  assert.equal(lab.ended[0]?.sessionId, SESSION);
  assert.equal(lab.ended[0].reason, undefined);
  assert.ok(lab.ended[0].error instanceof SessionEndedError);
  assert.equal(lab.listener.connectionState.state, "closed");
});

test("the end of the session closes the socket, and another session can be joined", async () => {
  const lab = new Lab();
  await lab.joinFully();
  lab.socket.receive({
    type: "sessionEnded",
    timestamp: 1,
    sessionId: SESSION,
    reason: "speakerEnded",
  });
  assert.deepEqual(lab.ended, [{ sessionId: SESSION, reason: "speakerEnded", error: undefined }]);
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.clock.timers, 0);
  await lab.join();
});

test("what is held back when the session ends is shown before its end", async () => {
  const lab = new Lab();
  const events: string[] = [];
  lab.listener.on("caption", ({ caption: { sequence } }) => events.push(`caption ${sequence}`));
  lab.listener.on("ended", () => events.push("ended"));
  await lab.join();
  lab.socket.receive(caption(9));
  lab.socket.receive({ type: "sessionEnded", timestamp: 1, sessionId: SESSION, reason: "expired" });
  assert.deepEqual(events, ["caption 9", "ended"]);
});

test("frames of another session are dropped: its captions, its states and its end", async () => {
  const lab = new Lab();
  await lab.joinFully();
  const sessionId = "another-1-2";
  lab.socket.receive(caption(1, { sessionId }));
  lab.socket.receive({
    type: "broadcastPaused",
    timestamp: 1,
    sessionId,
    broadcastState: broadcastState(9),
  });
  lab.socket.receive({ type: "sessionEnded", timestamp: 1, sessionId, reason: "expired" });
  assert.deepEqual(lab.captions, []);
  assert.equal(lab.listener.broadcastState?.version, 1);
  assert.deepEqual(lab.ended, []);
});

test("the newest state of the broadcast is kept, and older ones and repetitions are dropped", async () => {
  const lab = new Lab();
  const versions: number[] = [];
  await lab.joinFully();
  lab.listener.on("broadcast", ({ version }) => versions.push(version));
  for (const version of [2, 4, 3, 4, 5]) {
    lab.socket.receive({
      type: "speakerStateChanged",
      timestamp: 1,
      sessionId: SESSION,
      broadcastState: broadcastState(version, { isPaused: version === 3 }),
    });
  }
  assert.deepEqual(versions, [2, 4, 5]);
  assert.equal(lab.listener.broadcastState?.isPaused, false);
});

test("a change of language asks for what was spoken since the last caption before it", async () => {
  const lab = new Lab();
  await lab.joinFully(3);
  const changing = lab.listener.changeLanguage("fr-CH");
  await settled();
  assert.equal(lab.socket.message("changeLanguage")["targetLanguage"], "fr-CH");
  // The service has changed it already, and its reply is still under way.
  lab.socket.receive(caption(5, { targetLanguage: "fr" }));
  assert.deepEqual(lab.captions, [3]);
  lab.socket.reply("changeLanguage", { type: "languageChanged", targetLanguage: "fr" });
  assert.equal(await changing, "fr");
  await settled();
  assert.equal(lab.listener.targetLanguage, "fr");
  assert.equal(lab.socket.message("getCaptions")["since"], 3);
  lab.socket.reply("getCaptions", history([caption(4, { targetLanguage: "fr" })]));
  await settled();
  assert.deepEqual(lab.captions, [3, 4, 5]);
});

test("a language that is refused changes nothing", async () => {
  const lab = new Lab();
  await lab.joinFully();
  const changing = lab.listener.changeLanguage("tlh");
  await settled();
  lab.socket.refuse("changeLanguage", "UNSUPPORTED_LANGUAGE");
  await assert.rejects(changing, UnsupportedLanguageError);
  assert.equal(lab.listener.targetLanguage, "es");
  assert.equal(lab.network.sockets.length, 1);
});

test("a change of language that may have been done is undone by the refresh of another socket", async () => {
  const lab = new Lab();
  await lab.joinFully();
  const changing = assert.rejects(lab.listener.changeLanguage("fr"));
  await lab.clock.advance(17_000);
  await changing;
  assert.equal(lab.network.sockets.length, 2);
  await lab.opened();
  assert.equal(lab.socket.message("refreshConnection")["targetLanguage"], "es");
});

test("a change of language and a refresh wait for each other, so the last one is true", async () => {
  const lab = new Lab();
  await lab.joinFully();
  const [old] = lab.network.sockets;
  const changing = lab.listener.changeLanguage("fr");
  await settled();
  old!.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.opened();
  assert.equal(lab.socket.count("refreshConnection"), 0);
  old!.reply("changeLanguage", { type: "languageChanged", targetLanguage: "fr" });
  await changing;
  await settled();
  assert.equal(lab.socket.message("refreshConnection")["targetLanguage"], "fr");
});

test("a change of language without a socket waits for the next one and goes on there", async () => {
  const lab = new Lab();
  await lab.joinFully();
  lab.socket.drop();
  const changing = lab.listener.changeLanguage("fr");
  await lab.clock.advance(1_000);
  await lab.opened();
  lab.socket.reply("refreshConnection", {
    type: "connectionRefreshComplete",
    sessionId: SESSION,
    connectionId: "connection-2",
    broadcastState: broadcastState(),
  });
  await settled();
  lab.socket.reply("changeLanguage", { type: "languageChanged", targetLanguage: "fr" });
  assert.equal(await changing, "fr");
});

test("paused playback is reported again where the listener had to join again", async () => {
  const lab = new Lab();
  await lab.joinFully();
  const pausing = lab.listener.pausePlayback();
  await settled();
  lab.socket.reply("pausePlayback", { type: "playbackPaused" });
  await pausing;
  assert.ok(lab.listener.isPlaybackPaused);
  lab.socket.drop();
  await lab.clock.advance(1_000);
  await lab.opened();
  lab.socket.refuse("refreshConnection", "CONNECTION_NOT_FOUND");
  await settled();
  lab.socket.reply("joinSession", sessionJoined());
  await settled();
  assert.equal(lab.socket.count("pausePlayback"), 1);
});

test("leaving closes the socket, whether the service answers or not", async () => {
  const answered = new Lab();
  await answered.joinFully();
  const leaving = answered.listener.leave();
  await settled();
  answered.socket.reply("leaveSession", { type: "sessionLeft" });
  await leaving;
  assert.ok(answered.socket.closedByClient);

  const silent = new Lab();
  await silent.joinFully();
  const left = silent.listener.leave();
  await silent.clock.advance(15_000);
  await left;
  assert.ok(silent.socket.closedByClient);
  assert.deepEqual(silent.ended, []);
  assert.equal(silent.clock.timers, 0);
});

test("closing at any moment leaves no timer and sends nothing more", async () => {
  for (const milliseconds of [0, 1, 2_000, 6_000, 70_000]) {
    const lab = new Lab();
    await lab.join();
    if (milliseconds > 1) lab.socket.reply("getCaptions", history([caption(1)]));
    await lab.clock.advance(milliseconds);
    lab.listener.close();
    await settled();
    const sent = lab.socket.sent.length;
    await lab.clock.advance(200_000);
    assert.equal(lab.clock.timers, 0);
    assert.equal(lab.socket.sent.length, sent);
    assert.equal(lab.network.sockets.length, 1);
  }
});

test("closing while joining rejects the join", async () => {
  const lab = new Lab();
  const joining = assert.rejects(lab.listener.join(OPTIONS), ConnectionLostError);
  await lab.opened();
  lab.listener.close();
  await joining;
  assert.equal(lab.clock.timers, 0);
});

test("a frame of a type that is not known yet, or with unknown fields, disturbs nothing", async () => {
  const lab = new Lab();
  await lab.joinFully();
  lab.socket.receive({ type: "somethingNew", timestamp: 1, sessionId: SESSION });
  lab.socket.receive({ ...caption(1), mood: "happy" });
  assert.deepEqual(lab.captions, [1]);
});

test("without a WebSocket the error says which option to pass", () => {
  const { WebSocket } = globalThis as { WebSocket?: unknown };
  Reflect.deleteProperty(globalThis, "WebSocket");
  try {
    assert.throws(() => new Listener({ url: URL }), /option WebSocket/);
  } finally {
    if (WebSocket !== undefined) Object.assign(globalThis, { WebSocket });
  }
});
