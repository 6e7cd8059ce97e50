import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionLostError,
  InvalidPasscodeError,
  SessionEndedError,
  SessionFullError,
  ServiceUnavailableError,
  UnauthorizedActionError,
  WrongStateError,
} from "live-sessions";

import { ListenSession } from "../../src/listen/listen-session.ts";
import {
  FIRST_RETRY_MILLISECONDS,
  MOST_RETRY_MILLISECONDS,
  joinPatiently,
} from "../../src/listen/overlay-joining.ts";
import { caption } from "./captions.ts";
import { BROADCAST, FakeListener } from "./fake-listener.ts";

const REQUEST = { sessionId: "calm-owl-1", targetLanguage: "es" };
const UNAUTHORIZED = new UnauthorizedActionError("UNAUTHORIZED_ACTION", "");

async function inside(): Promise<{ listener: FakeListener; session: ListenSession }> {
  const listener = new FakeListener();
  const session = new ListenSession(listener);
  assert.equal(await session.join(REQUEST), undefined);
  return { listener, session };
}

/** The connection is given up, although the session may go on. */
function lose(listener: FakeListener): void {
  listener.emit("ended", { sessionId: "calm-owl-1", reason: undefined, error: UNAUTHORIZED });
}

function shown(session: ListenSession): number[] {
  return session.state.blocks.flatMap(({ captions }) => captions.map(({ sequence }) => sequence));
}

function partialText(session: ListenSession): string | undefined {
  return session.state.partial?.text;
}

test("a reader who has joined is inside, in the language that the service found", async () => {
  const { session } = await inside();
  assert.equal(session.state.phase, "inside");
  assert.equal(session.state.language, "es");
  assert.equal(session.state.session?.sessionId, "calm-owl-1");
});

test("a refused join is in the state, and the next one may succeed", async () => {
  const listener = new FakeListener();
  const session = new ListenSession(listener);
  listener.refusal = new InvalidPasscodeError("INVALID_PASSCODE", "");
  assert.equal(await session.join(REQUEST), listener.refusal);
  assert.equal(session.state.phase, "outside");
  assert.equal(session.state.joinError, listener.refusal);
  listener.refusal = undefined;
  await session.join(REQUEST);
  assert.equal(session.state.phase, "inside");
  assert.equal(session.state.joinError, undefined);
});

test("two clicks join once", async () => {
  const listener = new FakeListener();
  const session = new ListenSession(listener);
  await Promise.all([session.join(REQUEST), session.join(REQUEST)]);
  assert.deepEqual(listener.calls, ["join"]);
});

test("late captions are in their place, and do not count as added", async () => {
  const { listener, session } = await inside();
  for (const sequence of [1, 3, 4]) listener.hear(sequence);
  listener.hear(2, true);
  assert.deepEqual(shown(session), [1, 2, 3, 4]);
  assert.equal(session.state.added, 3);
});

test("nothing new is shown while the reader has paused, and nothing is lost", async () => {
  const { listener, session } = await inside();
  listener.hear(1);
  listener.emit("partialCaption", { caption: caption(2, { isPartial: true, text: "half" }) });
  session.pause();
  listener.emit("partialCaption", { caption: undefined });
  listener.hear(2);
  listener.hear(4);
  listener.hear(3, true);
  listener.emit("partialCaption", { caption: caption(5, { isPartial: true, text: "next" }) });
  assert.deepEqual(shown(session), [1]);
  assert.equal(partialText(session), "half");
  assert.equal(session.state.heldBack.length, 3);
  session.resume();
  assert.deepEqual(shown(session), [1, 2, 3, 4]);
  assert.equal(partialText(session), "next");
  assert.equal(session.state.pausedBefore, 2);
  assert.equal(session.state.heldBack.length, 0);
  assert.deepEqual(listener.calls, ["join", "pausePlayback", "resumePlayback"]);
});

test("a pause in which nothing was said leaves no mark", async () => {
  const { session } = await inside();
  session.pause();
  session.resume();
  assert.equal(session.state.pausedBefore, undefined);
});

test("a pause holds, whether or not the service can be told", async () => {
  const { listener, session } = await inside();
  listener.refusal = new ConnectionLostError("");
  session.pause();
  await new Promise(setImmediate);
  listener.hear(1);
  assert.equal(session.state.isPaused, true);
  assert.deepEqual(shown(session), []);
});

test("pausing twice and resuming twice is reported once", async () => {
  const { listener, session } = await inside();
  session.pause();
  session.pause();
  session.resume();
  session.resume();
  assert.deepEqual(listener.calls, ["join", "pausePlayback", "resumePlayback"]);
});

test("the end of the session shows what was held back, and why it ended", async () => {
  const { listener, session } = await inside();
  session.pause();
  listener.hear(1);
  listener.emit("ended", { sessionId: "calm-owl-1", reason: "speakerEnded", error: undefined });
  assert.deepEqual(shown(session), [1]);
  assert.deepEqual(session.state.ending, { kind: "ended", reason: "speakerEnded" });
  assert.equal(session.state.phase, "inside");
});

test("an end that was only found on reconnecting is an end without a reason", async () => {
  const { listener, session } = await inside();
  const error = new SessionEndedError("SESSION_ENDED", "");
  listener.emit("ended", { sessionId: "calm-owl-1", reason: undefined, error });
  assert.deepEqual(session.state.ending, { kind: "ended", reason: undefined });
});

test("a reader who cannot come back is told why, which is not the session's end", async () => {
  const { listener, session } = await inside();
  lose(listener);
  assert.deepEqual(session.state.ending, { kind: "lost", error: UNAUTHORIZED });
});

test("a reader who was lost joins again in the language that they read last", async () => {
  const { listener, session } = await inside();
  await session.changeLanguage("fr");
  lose(listener);
  await session.rejoin();
  assert.deepEqual(listener.asked, { ...REQUEST, targetLanguage: "fr" });
  assert.equal(session.state.language, "fr");
  assert.equal(session.state.request?.targetLanguage, "fr");
  assert.equal(session.state.ending, undefined);
  assert.equal(session.state.isRejoining, false);
});

test("a reader who joins again gets what came after the last caption that they have", async () => {
  const { listener, session } = await inside();
  for (const sequence of [4, 6, 5]) listener.hear(sequence);
  lose(listener);
  await session.rejoin();
  assert.deepEqual(listener.asked, { ...REQUEST, since: 6 });
  assert.deepEqual(session.state.request, REQUEST);
});

test("what was read stays while a reader joins again, and no caption comes twice in any language", async () => {
  const { listener, session } = await inside();
  listener.hear(1);
  listener.hear(2);
  await session.changeLanguage("fr");
  lose(listener);
  const rejoining = session.rejoin();
  assert.equal(session.state.phase, "inside");
  assert.equal(session.state.isRejoining, true);
  assert.deepEqual(shown(session), [1, 2]);
  await rejoining;
  // A caption that was read can come again in the new language.
  for (const sequence of [2, 3]) {
    listener.emit("caption", {
      caption: caption(sequence, { targetLanguage: "fr" }),
      isLate: false,
    });
  }
  assert.deepEqual(shown(session), [1, 2, 3]);
  assert.equal(session.state.added, 3);
});

test("captions that were read before do not wait for a reader who joins again and pauses", async () => {
  const { listener, session } = await inside();
  listener.hear(1);
  lose(listener);
  await session.rejoin();
  session.pause();
  listener.hear(1);
  listener.hear(2);
  assert.equal(session.state.heldBack.length, 1);
  session.resume();
  assert.deepEqual(shown(session), [1, 2]);
  assert.equal(session.state.pausedBefore, 2);
});

test("a reader who cannot join again keeps what they have read, and may try once more", async () => {
  const { listener, session } = await inside();
  listener.hear(1);
  lose(listener);
  listener.refusal = new SessionFullError("SESSION_FULL", "");
  await session.rejoin();
  assert.equal(session.state.phase, "inside");
  assert.equal(session.state.isRejoining, false);
  assert.deepEqual(session.state.ending, { kind: "lost", error: listener.refusal });
  assert.deepEqual(shown(session), [1]);
  listener.refusal = undefined;
  await session.rejoin();
  assert.equal(session.state.ending, undefined);
  assert.deepEqual(shown(session), [1]);
});

test("a session that is over when a reader joins again has ended", async () => {
  const { listener, session } = await inside();
  lose(listener);
  listener.refusal = new SessionEndedError("SESSION_ENDED", "");
  await session.rejoin();
  assert.deepEqual(session.state.ending, { kind: "ended", reason: undefined });
  await session.rejoin();
  assert.deepEqual(listener.calls, ["join", "join"]);
});

test("an end that comes while a reader joins again is the end", async () => {
  const { listener, session } = await inside();
  lose(listener);
  listener.refusal = new WrongStateError("The listener was closed while it joined.");
  const rejoining = session.rejoin();
  listener.emit("ended", { sessionId: "calm-owl-1", reason: "speakerEnded", error: undefined });
  await rejoining;
  assert.deepEqual(session.state.ending, { kind: "ended", reason: "speakerEnded" });
});

test("a reader who leaves while they join again is outside", async () => {
  const { listener, session } = await inside();
  lose(listener);
  listener.refusal = new WrongStateError("The listener was closed while it joined.");
  const rejoining = session.rejoin();
  session.leave();
  await rejoining;
  assert.equal(session.state.phase, "outside");
  assert.equal(session.state.ending, undefined);
});

test("two clicks join again once", async () => {
  const { listener, session } = await inside();
  lose(listener);
  await Promise.all([session.rejoin(), session.rejoin()]);
  assert.deepEqual(listener.calls, ["join", "join"]);
});

test("a session that was left shows its captions again when it is joined anew", async () => {
  const { listener, session } = await inside();
  listener.hear(1);
  session.leave();
  await session.join(REQUEST);
  listener.hear(1);
  assert.deepEqual(shown(session), [1]);
});

test("a change of language says what it is changing to, and what it has become", async () => {
  const { session } = await inside();
  const changing = session.changeLanguage("fr");
  assert.equal(session.state.changingTo, "fr");
  await changing;
  assert.equal(session.state.changingTo, undefined);
  assert.equal(session.state.language, "fr");
});

test("a refused change of language leaves the language as it was", async () => {
  const { listener, session } = await inside();
  listener.refusal = new ServiceUnavailableError("SERVICE_UNAVAILABLE", "");
  await session.changeLanguage("fr");
  assert.equal(session.state.language, "es");
  assert.equal(session.state.refusal, listener.refusal);
  session.dismissRefusal();
  assert.equal(session.state.refusal, undefined);
});

test("of two changes of language the later one counts", async () => {
  const { listener, session } = await inside();
  listener.refusal = new ServiceUnavailableError("SERVICE_UNAVAILABLE", "");
  const first = session.changeLanguage("fr");
  listener.refusal = undefined;
  const second = session.changeLanguage("de");
  await Promise.all([first, second]);
  assert.equal(session.state.language, "de");
  assert.equal(session.state.refusal, undefined);
});

test("the broadcast's and the connection's state are the newest", async () => {
  const { listener, session } = await inside();
  listener.emit("broadcast", { ...BROADCAST, isPaused: true });
  listener.emit("connection", { state: "connected" });
  assert.equal(session.state.broadcast?.isPaused, true);
  assert.equal(session.state.connection.state, "connected");
});

test("a reader who leaves is outside at once, and can join again before the service answers", async () => {
  const { listener, session } = await inside();
  listener.hear(1);
  session.leave();
  assert.equal(session.state.phase, "outside");
  assert.deepEqual(shown(session), []);
  await session.join(REQUEST);
  assert.equal(session.state.phase, "inside");
  assert.deepEqual(listener.calls, ["join", "leave", "close", "join"]);
});

test("whoever subscribes hears of each change until they unsubscribe", async () => {
  const { listener, session } = await inside();
  let changes = 0;
  const unsubscribe = session.subscribe(() => (changes += 1));
  listener.hear(1);
  assert.equal(changes, 1);
  unsubscribe();
  listener.hear(2);
  assert.equal(changes, 1);
});

test("an overlay tries what may pass until it has passed, ever more slowly", async () => {
  const errors: unknown[] = Array.from({ length: 6 }, () => new SessionFullError("", ""));
  const waits: number[] = [];
  const session = { join: () => Promise.resolve(errors.shift()) };
  await joinPatiently(session, REQUEST, (milliseconds) => {
    waits.push(milliseconds);
    return Promise.resolve();
  });
  assert.equal(waits.length, 6);
  assert.equal(errors.length, 0);
  waits.forEach((wait, at) => {
    const longest = Math.min(FIRST_RETRY_MILLISECONDS * 2 ** at, MOST_RETRY_MILLISECONDS);
    assert.ok(wait <= longest && wait >= longest * 0.8, `${wait}`);
  });
});

test("an overlay does not try again what is refused for good", async () => {
  let joins = 0;
  const join = () => Promise.resolve((joins += 1) && new SessionEndedError("", ""));
  await joinPatiently({ join }, REQUEST, () => Promise.reject(new Error("waited")));
  assert.equal(joins, 1);
});
