import assert from "node:assert/strict";
import { test } from "node:test";

import type { AudioSink, AudioSource } from "../src/audio/audio-source.ts";
import { HANDLED_WITHIN_MILLISECONDS } from "../src/connection.ts";
import {
  ConnectionFailedError,
  ConnectionLostError,
  ConnectionNotFoundError,
  InvalidAudioError,
  RateLimitedError,
  ServiceUnavailableError,
  SessionEndedError,
  TranscriptNotAvailableError,
  UnauthorizedActionError,
  UnsupportedLanguageError,
  WrongStateError,
} from "../src/errors.ts";
import { LAST_WORDS_MILLISECONDS, Speaker, type SpeakerEvents } from "../src/speaker.ts";
import { FakeClock, settled } from "./fake-clock.ts";
import { FakeNetwork, type FakeSocket } from "./fake-network.ts";
import { SESSION, URL, broadcastState, caption } from "./frames.ts";

const CREATED = {
  type: "sessionCreated",
  sessionId: SESSION,
  sourceLanguage: "en",
  sourceLocale: "en-US",
  qualityTier: "standard",
  sampleRateHertz: 16_000,
  connectionId: "connection-1",
  expiresAt: 1,
};
const REFRESHED = {
  type: "connectionRefreshComplete",
  sessionId: SESSION,
  connectionId: "connection-2",
  broadcastState: broadcastState(3),
};
const ENDED = { type: "sessionEnded", sessionId: SESSION, reason: "speakerEnded" };
const CHUNK = new Int16Array(1_600);

/** A source whose sound the test makes. */
class FakeSource implements AudioSource {
  readonly sampleRateHertz: number;
  sink: AudioSink | undefined;
  failure: Error | undefined;

  constructor(sampleRateHertz = 16_000) {
    this.sampleRateHertz = sampleRateHertz;
  }

  start(sink: AudioSink): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.sink = sink;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.sink = undefined;
    return Promise.resolve();
  }
}

class Lab {
  readonly clock = new FakeClock();
  readonly network = new FakeNetwork();
  readonly speaker = new Speaker({
    url: URL,
    token: () => Promise.resolve("token"),
    WebSocket: this.network.WebSocket,
    clock: this.clock,
  });
  readonly source = new FakeSource();
  readonly ended: SpeakerEvents["ended"][] = [];
  readonly refused: SpeakerEvents["refused"][] = [];

  constructor() {
    this.speaker.on("ended", (event) => this.ended.push(event));
    this.speaker.on("refused", (error) => this.refused.push(error));
  }

  get socket(): FakeSocket {
    return this.network.last;
  }

  async opened(): Promise<void> {
    await settled();
    this.socket.open();
    await settled();
  }

  async create(): Promise<void> {
    const creating = this.speaker.createSession({ sourceLanguage: "en-US" });
    await this.opened();
    this.socket.reply("createSession", CREATED);
    await creating;
  }

  /** The socket is lost, and another one has opened. */
  async lose(): Promise<void> {
    this.socket.drop();
    await this.clock.advance(500);
    await this.opened();
  }

  async take(): Promise<void> {
    this.socket.reply("refreshConnection", REFRESHED);
    this.socket.receive({ type: "stateRestored", timestamp: 1, broadcastState: broadcastState(3) });
    await settled();
  }

  sequences(): unknown[] {
    return this.socket.sent
      .filter(({ action }) => action === "sendAudio")
      .map(({ sequence }) => sequence);
  }
}

test("a session is created with the token and every option, and resolves with the reply", async () => {
  const lab = new Lab();
  const options = {
    sourceLanguage: "en-GB",
    qualityTier: "premium",
    sampleRateHertz: 48_000,
  } as const;
  const creating = lab.speaker.createSession(options);
  await lab.opened();
  assert.deepEqual(lab.socket.protocols, ["live-sessions.v1", "bearer.token"]);
  assert.deepEqual(lab.socket.sent, [{ action: "createSession", ...options, requestId: "1" }]);
  lab.socket.reply("createSession", CREATED);
  assert.equal((await creating).sourceLocale, "en-US");
  assert.equal(lab.speaker.sessionId, SESSION);
});

test("what the service refuses is raised, and another session can be created", async () => {
  const lab = new Lab();
  const creating = lab.speaker.createSession({ sourceLanguage: "tlh" });
  await lab.opened();
  lab.socket.refuse("createSession", "UNSUPPORTED_LANGUAGE");
  await assert.rejects(creating, UnsupportedLanguageError);
  assert.ok(lab.socket.closedByClient);
  await lab.create();
  await assert.rejects(lab.speaker.createSession({ sourceLanguage: "en" }), WrongStateError);
});

test("without a session there is nothing to control, and no audio to send", async () => {
  const lab = new Lab();
  await assert.rejects(lab.speaker.pause(), WrongStateError);
  await assert.rejects(lab.speaker.startAudio(lab.source), WrongStateError);
});

test("a lost socket is replaced soon, and the session is taken back", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.lose();
  assert.deepEqual(lab.socket.sent, [
    { action: "refreshConnection", sessionId: SESSION, requestId: "1" },
  ]);
  await lab.take();
  assert.equal(lab.speaker.connectionState.state, "connected");
  assert.equal(lab.speaker.broadcastState?.version, 3);
  assert.deepEqual(lab.ended, []);
});

test("within the ten seconds that a session waits there are several attempts, whatever chance does", async () => {
  for (const random of [0.1, 0.999]) {
    const clock = new FakeClock(() => random);
    const network = new FakeNetwork();
    const speaker = new Speaker({ url: URL, token: "t", WebSocket: network.WebSocket, clock });
    const creating = speaker.createSession({ sourceLanguage: "en" });
    await settled();
    network.last.open();
    await settled();
    network.last.reply("createSession", CREATED);
    await creating;
    network.onSocket = (socket) => {
      queueMicrotask(() => {
        socket.drop();
      });
    };
    network.last.drop();
    await clock.advance(10_000);
    assert.ok(network.sockets.length > 5, `${network.sockets.length - 1} attempts`);
  }
});

test("a session that ended meanwhile is over", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.lose();
  lab.socket.refuse("refreshConnection", "SESSION_ENDED");
  await settled();
  assert.equal(lab.ended.length, 1);
  assert.ok(lab.ended[0]?.error instanceof SessionEndedError);
  assert.equal(lab.speaker.sessionId, undefined);
  assert.equal(lab.clock.timers, 0);
});

test("a session can be resumed by its id, such as after a page was loaded again", async () => {
  const lab = new Lab();
  const resuming = lab.speaker.resumeSession({ sessionId: SESSION, sampleRateHertz: 16_000 });
  await lab.opened();
  await lab.take();
  assert.equal((await resuming).connectionId, "connection-2");
  await lab.speaker.startAudio(lab.source);
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0]);
});

test("the rate of a resumed session is the one that the service says", async () => {
  const lab = new Lab();
  const resuming = lab.speaker.resumeSession({ sessionId: SESSION });
  await lab.opened();
  lab.socket.reply("refreshConnection", { ...REFRESHED, sampleRateHertz: 48_000 });
  await resuming;
  await assert.rejects(lab.speaker.startAudio(lab.source), /16000 Hz and the session 48000 Hz/);
});

test("controls resolve with the state that they lead to", async () => {
  const lab = new Lab();
  await lab.create();
  const controls = [
    ["pauseBroadcast", "broadcastPaused", () => lab.speaker.pause()],
    ["resumeBroadcast", "broadcastResumed", () => lab.speaker.resume()],
    ["muteBroadcast", "broadcastMuted", () => lab.speaker.mute()],
    ["unmuteBroadcast", "broadcastUnmuted", () => lab.speaker.unmute()],
    ["setVolume", "volumeChanged", () => lab.speaker.setVolume(0.5)],
    ["speakerStateChange", "speakerStateChanged", () => lab.speaker.changeState({ volume: 0.5 })],
  ] as const;
  let version = 1;
  for (const [action, type, control] of controls) {
    version += 1;
    const done = control();
    await settled();
    lab.socket.reply(action, { type, sessionId: SESSION, broadcastState: broadcastState(version) });
    assert.equal((await done).version, version);
    assert.equal(lab.speaker.broadcastState?.version, version);
  }
  assert.equal(lab.socket.message("setVolume")["volumeLevel"], 0.5);
  assert.deepEqual(lab.socket.message("speakerStateChange")["state"], { volume: 0.5 });
});

test("statuses, warnings and captions come as events, those of another session do not", async () => {
  const lab = new Lab();
  await lab.create();
  const events: string[] = [];
  lab.speaker.on("status", ({ listenerCount }) => events.push(`${listenerCount} listeners`));
  lab.speaker.on("rateLimitWarning", () => events.push("rate"));
  lab.speaker.on("transcriptionError", ({ message }) => events.push(message));
  lab.speaker.on("caption", ({ caption: { text } }) => events.push(text));
  const common = { timestamp: 1, sessionId: SESSION };
  const status = { ...common, type: "sessionStatus", listenerCount: 3 };
  lab.socket.receive({ ...status, broadcastState: broadcastState(1) });
  lab.socket.receive({ ...common, type: "rateLimitWarning" });
  lab.socket.receive({ ...common, type: "transcriptionError", message: "later" });
  const understood = caption(1, { targetLanguage: "en", text: "hello" });
  lab.socket.receive(understood);
  lab.socket.receive(understood);
  lab.socket.receive({ ...status, sessionId: "another", broadcastState: broadcastState(9) });
  assert.deepEqual(events, ["3 listeners", "rate", "later", "hello"]);
  assert.equal(lab.speaker.broadcastState?.version, 1);
});

test("ending waits for the reply, and says so once", async () => {
  const lab = new Lab();
  await lab.create();
  const ending = lab.speaker.end();
  await settled();
  lab.socket.reply("endSession", {
    type: "sessionEnded",
    sessionId: SESSION,
    reason: "speakerEnded",
  });
  await ending;
  assert.deepEqual(lab.ended, [{ sessionId: SESSION, reason: "speakerEnded", error: undefined }]);
  assert.ok(lab.socket.closedByClient);
  await lab.create();
});

test("ending lets listeners read the last words: audio stops at once, the session some seconds later", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  lab.source.sink?.onChunk(CHUNK);
  await lab.clock.advance(1_000);
  const ending = lab.speaker.end();
  lab.source.sink?.onChunk(CHUNK);
  await lab.clock.advance(LAST_WORDS_MILLISECONDS - 1_001);
  assert.deepEqual(lab.sequences(), [0]);
  assert.equal(lab.socket.count("endSession"), 0);
  lab.socket.receive(caption(1));
  await lab.clock.advance(1);
  assert.equal(lab.socket.count("endSession"), 1);
  lab.socket.reply("endSession", ENDED);
  await ending;
  assert.equal(lab.source.sink, undefined);
});

test("ending waits for nothing if the last words were said a while ago, or never sent", async () => {
  for (const isSilent of [false, true]) {
    const lab = new Lab();
    await lab.create();
    await lab.speaker.startAudio(lab.source);
    if (isSilent) {
      lab.socket.receive({
        type: "broadcastMuted",
        timestamp: 1,
        sessionId: SESSION,
        broadcastState: broadcastState(2, { isMuted: true }),
      });
    }
    lab.source.sink?.onChunk(CHUNK);
    if (!isSilent) await lab.clock.advance(LAST_WORDS_MILLISECONDS);
    void lab.speaker.end();
    await settled();
    assert.equal(lab.socket.count("endSession"), 1);
    lab.speaker.close();
  }
});

test("ending can be immediate, and what is asked twice is sent once", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  lab.source.sink?.onChunk(CHUNK);
  const ending = lab.speaker.end({ lastWordsMilliseconds: 0 });
  const again = lab.speaker.end();
  await settled();
  assert.equal(lab.socket.count("endSession"), 1);
  lab.socket.reply("endSession", ENDED);
  await ending;
  await again;
  assert.equal(lab.ended.length, 1);
});

test("a session that is over while the last words are waited for is not ended again", async () => {
  for (const isClosed of [false, true]) {
    const lab = new Lab();
    await lab.create();
    await lab.speaker.startAudio(lab.source);
    lab.source.sink?.onChunk(CHUNK);
    const ending = lab.speaker.end();
    await settled();
    if (isClosed) lab.speaker.close();
    else lab.socket.receive({ ...ENDED, timestamp: 1, reason: "operator" });
    await ending;
    assert.equal(lab.socket.count("endSession"), 0);
    assert.deepEqual(
      lab.ended.map(({ reason }) => reason),
      isClosed ? [] : ["operator"],
    );
    assert.equal(lab.clock.timers, 0);
  }
});

test("the last words of one session do not delay the end of the next", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  lab.source.sink?.onChunk(CHUNK);
  lab.speaker.close();
  await lab.create();
  void lab.speaker.end();
  await settled();
  assert.equal(lab.socket.count("endSession"), 1);
});

test("after an end that was refused the audio goes on", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  const refused = assert.rejects(lab.speaker.end(), ServiceUnavailableError);
  await settled();
  lab.socket.refuse("endSession", "SERVICE_UNAVAILABLE");
  await refused;
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0]);
});

test("the end may come before the reply, without its requestId", async () => {
  const lab = new Lab();
  await lab.create();
  const ending = lab.speaker.end();
  await settled();
  const common = { type: "sessionEnded", timestamp: 1, sessionId: SESSION };
  lab.socket.receive({ ...common, reason: "speakerEnded" });
  await ending;
  assert.equal(lab.ended.length, 1);
});

test("audio that is refused since the session has just ended does not pass for a loss", async () => {
  const lab = new Lab();
  await lab.create();
  const ending = lab.speaker.end();
  await settled();
  lab.socket.receive({ type: "error", timestamp: 1, code: "CONNECTION_NOT_FOUND", message: "-" });
  await settled();
  assert.equal(lab.socket.count("getSessionStatus"), 0);
  lab.socket.reply("endSession", {
    type: "sessionEnded",
    sessionId: SESSION,
    reason: "speakerEnded",
  });
  await ending;
  assert.deepEqual(
    lab.ended.map(({ reason, error }) => [reason, error]),
    [["speakerEnded", undefined]],
  );
});

test("an end that is refused, or not answered, is raised", async () => {
  const lab = new Lab();
  await lab.create();
  const refused = assert.rejects(lab.speaker.end(), ServiceUnavailableError);
  await settled();
  lab.socket.refuse("endSession", "SERVICE_UNAVAILABLE");
  await refused;
  assert.equal(lab.speaker.sessionId, SESSION);
  const elsewhere = assert.rejects(lab.speaker.end(), ConnectionNotFoundError);
  await settled();
  lab.socket.refuse("endSession", "CONNECTION_NOT_FOUND");
  await elsewhere;
});

test("audio goes on over a loss: what was spoken meanwhile follows on the next socket", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  lab.source.sink?.onChunk(CHUNK);
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0, 1]);
  lab.socket.drop();
  lab.source.sink?.onChunk(CHUNK);
  await lab.clock.advance(500);
  await lab.opened();
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [], "not before the session is on this socket");
  await lab.take();
  assert.deepEqual(lab.sequences(), [0]);
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0, 1]);
});

test("during a refresh no audio goes to the socket that is replaced", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  const old = lab.socket;
  old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.opened();
  lab.source.sink?.onChunk(CHUNK);
  assert.equal(old.count("sendAudio"), 0);
  await lab.take();
  assert.deepEqual(lab.sequences(), [0]);
  assert.ok(old.closedByClient);
});

test("the replaced socket stays open until its last audio was handled, or the speaker is closed", async () => {
  for (const isClosedBefore of [false, true]) {
    const lab = new Lab();
    await lab.create();
    await lab.speaker.startAudio(lab.source);
    const old = lab.socket;
    lab.source.sink?.onChunk(CHUNK);
    old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
    await lab.opened();
    await lab.take();
    lab.source.sink?.onChunk(CHUNK);
    assert.equal(old.count("sendAudio"), 1);
    assert.ok(!old.closedByClient);
    if (isClosedBefore) lab.speaker.close();
    else await lab.clock.advance(HANDLED_WITHIN_MILLISECONDS);
    assert.ok(old.closedByClient);
    assert.deepEqual(lab.ended, []);
  }
});

test("a control during a refresh waits for it, and goes to the socket that the session is on", async () => {
  const lab = new Lab();
  await lab.create();
  const old = lab.socket;
  old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.opened();
  const pausing = lab.speaker.pause();
  await settled();
  assert.equal(old.count("pauseBroadcast"), 0);
  await lab.take();
  assert.equal(lab.socket.count("pauseBroadcast"), 1);
  lab.socket.reply("pauseBroadcast", {
    type: "broadcastPaused",
    sessionId: SESSION,
    broadcastState: broadcastState(4),
  });
  assert.equal((await pausing).version, 4);
});

test("a control that the old socket refuses since the session has moved is sent again", async () => {
  const lab = new Lab();
  await lab.create();
  const old = lab.socket;
  const pausing = lab.speaker.pause();
  await settled();
  old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.opened();
  old.refuse("pauseBroadcast", "CONNECTION_NOT_FOUND");
  await lab.take();
  assert.equal(lab.socket.count("pauseBroadcast"), 1);
  lab.socket.reply("pauseBroadcast", {
    type: "broadcastPaused",
    sessionId: SESSION,
    broadcastState: broadcastState(4),
  });
  assert.equal((await pausing).version, 4);
  assert.deepEqual(lab.ended, []);
});

test("if a refresh fails, audio goes on with the old socket", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  const old = lab.socket;
  old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.opened();
  lab.source.sink?.onChunk(CHUNK);
  lab.socket.refuse("refreshConnection", "SERVICE_UNAVAILABLE");
  await settled();
  assert.equal(old.count("sendAudio"), 1);
});

test("nothing is sent while the broadcast is paused", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  const state = (version: number, isPaused: boolean): void => {
    lab.socket.receive({
      type: "broadcastPaused",
      timestamp: 1,
      sessionId: SESSION,
      broadcastState: broadcastState(version, { isPaused }),
    });
  };
  state(2, true);
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), []);
  state(3, false);
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0]);
});

test("refused audio is an event, and waits where the service says for how long", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  const refuse = (code: string, details: object): void => {
    lab.socket.receive({ type: "error", timestamp: 1, code, message: code, details });
  };
  refuse("INVALID_AUDIO", {});
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0]);
  refuse("RATE_LIMITED", { retryAfterSeconds: 5 });
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0]);
  await lab.clock.advance(5_000);
  lab.source.sink?.onChunk(CHUNK);
  assert.deepEqual(lab.sequences(), [0, 1]);
  assert.ok(lab.refused[0] instanceof InvalidAudioError);
  assert.ok(lab.refused[1] instanceof RateLimitedError);
});

test("a session that goes on with another client ends here, and is not taken back", async () => {
  const lab = new Lab();
  await lab.create();
  const unknown = { type: "error", timestamp: 1, code: "CONNECTION_NOT_FOUND", message: "no" };
  lab.socket.receive(unknown);
  lab.socket.receive(unknown);
  await settled();
  assert.equal(lab.socket.count("getSessionStatus"), 1);
  lab.socket.refuse("getSessionStatus", "CONNECTION_NOT_FOUND");
  await settled();
  assert.equal(lab.ended.length, 1);
  assert.ok(lab.ended[0]?.error instanceof ConnectionNotFoundError);
  await lab.clock.advance(60_000);
  assert.equal(lab.network.sockets.length, 1);
});

test("audio that was refused by mistake ends nothing", async () => {
  const lab = new Lab();
  await lab.create();
  lab.socket.receive({ type: "error", timestamp: 1, code: "CONNECTION_NOT_FOUND", message: "no" });
  await settled();
  lab.socket.reply("getSessionStatus", {
    type: "sessionStatus",
    sessionId: SESSION,
    broadcastState: broadcastState(),
  });
  await settled();
  assert.deepEqual(lab.ended, []);
});

test("the end of the source, or its failure, is an event and the session goes on", async () => {
  const lab = new Lab();
  const ended: unknown[] = [];
  lab.speaker.on("audioEnded", ({ error }) => ended.push(error));
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  lab.source.sink?.onEnd();
  const other = new FakeSource();
  await lab.speaker.startAudio(other);
  const unplugged = new Error("unplugged");
  other.sink?.onFailure(unplugged);
  assert.deepEqual([lab.source.sink, other.sink], [undefined, undefined]);
  assert.deepEqual(ended, [undefined, unplugged]);
  assert.equal(lab.speaker.sessionId, SESSION);
});

test("a source that cannot start is raised, and another one can be started", async () => {
  const lab = new Lab();
  await lab.create();
  lab.source.failure = new Error("refused");
  await assert.rejects(lab.speaker.startAudio(lab.source), /refused/);
  const other = new FakeSource();
  await lab.speaker.startAudio(other);
  await assert.rejects(lab.speaker.startAudio(lab.source), WrongStateError);
});

test("closing stops the source and every timer, and ends no session", async () => {
  const lab = new Lab();
  await lab.create();
  await lab.speaker.startAudio(lab.source);
  const sink = lab.source.sink;
  lab.speaker.close();
  await settled();
  assert.equal(lab.source.sink, undefined);
  sink?.onChunk(CHUNK);
  await lab.clock.advance(200_000);
  assert.equal(lab.clock.timers, 0);
  assert.equal(lab.socket.count("endSession"), 0);
  assert.deepEqual(lab.sequences(), []);
  assert.deepEqual(lab.ended, []);
});

const TRANSCRIPT = {
  type: "transcript",
  sessionId: SESSION,
  language: "en",
  format: "txt",
  url: "https://bucket.example/file?signature",
  expiresAt: 900_000,
};

test("after the end the transcript is asked for on a socket of its own, which is closed", async () => {
  const lab = new Lab();
  await lab.create();
  lab.socket.receive({ type: "sessionEnded", sessionId: SESSION, reason: "speakerLost" });
  const asking = lab.speaker.getTranscript({ language: "es", format: "srt" });
  await lab.opened();
  assert.equal(lab.network.sockets.length, 2);
  assert.deepEqual(lab.socket.protocols, ["live-sessions.v1", "bearer.token"]);
  assert.deepEqual(lab.socket.sent, [
    {
      action: "getTranscript",
      sessionId: SESSION,
      language: "es",
      format: "srt",
      requestId: "1",
    },
  ]);
  lab.socket.reply("getTranscript", TRANSCRIPT);
  assert.equal((await asking).url, TRANSCRIPT.url);
  assert.ok(lab.socket.closedByClient);
  assert.equal(lab.speaker.connectionState.state, "closed");
});

test("a transcript of a session before this speaker is asked for by its id", async () => {
  const lab = new Lab();
  await assert.rejects(lab.speaker.getTranscript(), WrongStateError);
  assert.equal(lab.network.sockets.length, 0);
  const asking = lab.speaker.getTranscript({ sessionId: "calm-lake-100-200" });
  await lab.opened();
  assert.equal(lab.socket.message("getTranscript")["sessionId"], "calm-lake-100-200");
  lab.socket.reply("getTranscript", { ...TRANSCRIPT, sessionId: "calm-lake-100-200" });
  assert.equal((await asking).sessionId, "calm-lake-100-200");
});

test("a transcript that is not there, or another user's, is raised and the socket closed", async () => {
  const lab = new Lab();
  for (const [code, raised] of [
    ["TRANSCRIPT_NOT_AVAILABLE", TranscriptNotAvailableError],
    ["UNAUTHORIZED_ACTION", UnauthorizedActionError],
  ] as const) {
    const asking = lab.speaker.getTranscript({ sessionId: SESSION });
    await lab.opened();
    lab.socket.refuse("getTranscript", code);
    await assert.rejects(asking, raised);
    assert.ok(lab.socket.closedByClient);
  }
});

test("during a session an older transcript comes by its socket, and a refusal ends nothing", async () => {
  const lab = new Lab();
  await lab.create();
  const asking = lab.speaker.getTranscript({ sessionId: "calm-lake-100-200" });
  await settled();
  lab.socket.refuse("getTranscript", "TRANSCRIPT_NOT_AVAILABLE");
  await assert.rejects(asking, TranscriptNotAvailableError);
  assert.equal(lab.network.sockets.length, 1);
  assert.equal(lab.speaker.connectionState.state, "connected");
  assert.deepEqual(lab.ended, []);
});

test("a socket for a transcript that cannot be opened, or is lost, is raised", async () => {
  const lab = new Lab();
  const refused = lab.speaker.getTranscript({ sessionId: SESSION });
  await settled();
  lab.socket.drop();
  await assert.rejects(refused, ConnectionFailedError);
  const lost = lab.speaker.getTranscript({ sessionId: SESSION });
  await lab.opened();
  lab.socket.drop();
  await assert.rejects(lost, ConnectionLostError);
});

test("without a token there is no transcript, and no socket either", async () => {
  const network = new FakeNetwork();
  const speaker = new Speaker({
    url: URL,
    token: () => Promise.reject(new Error("signed out")),
    WebSocket: network.WebSocket,
    clock: new FakeClock(),
  });
  await assert.rejects(speaker.getTranscript({ sessionId: SESSION }), ConnectionFailedError);
  assert.equal(network.sockets.length, 0);
});
