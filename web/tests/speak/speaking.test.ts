import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionFailedError,
  ConnectionNotFoundError,
  MicrophoneError,
  ServiceUnavailableError,
  SessionEndedError,
  SessionNotFoundError,
  UnauthorizedActionError,
  UnsupportedLanguageError,
  type AudioSource,
} from "live-sessions";

import type { Kept } from "../../src/look/kept.ts";
import type { Choices } from "../../src/speak/choices.ts";
import { SignInNeededError } from "../../src/speak/sign-in.ts";
import { Speaking, type LiveSession, type SpeakingState } from "../../src/speak/speaking.ts";
import type { Tabs } from "../../src/speak/tabs.ts";
import { words } from "../../src/words.ts";
import { keptInMemory } from "../kept-in-memory.ts";
import { FakeClock, settled } from "./fake-clock.ts";
import { SESSION, broadcastState } from "../../../clients/typescript/tests/frames.ts";
import { FakeSpeaker, caption, status } from "./fake-speaker.ts";

const CHOICES: Choices = {
  sourceLanguage: "en-GB",
  microphoneId: "headset",
  hasPasscode: true,
  showsPartialCaptions: false,
  keepsTranscript: true,
};
const SIGN_IN_NEEDED = new ConnectionFailedError("There is no token.", {
  cause: new SignInNeededError(),
});

class FakeTabs implements Tabs {
  readonly announced: string[] = [];
  handler: (sessionId: string) => void = () => undefined;

  announce(sessionId: string): void {
    this.announced.push(sessionId);
  }

  onTaken(handler: (sessionId: string) => void): void {
    this.handler = handler;
  }
}

class Lab {
  readonly clock = new FakeClock();
  readonly tabs = new FakeTabs();
  readonly speaker = new FakeSpeaker();
  readonly microphones: [string | undefined, number][] = [];
  readonly kept: Kept;
  readonly speaking: Speaking;

  constructor(kept = keptInMemory()) {
    this.kept = kept;
    this.speaking = new Speaking({
      speaker: this.speaker,
      microphone: (deviceId, sampleRateHertz): AudioSource => {
        this.microphones.push([deviceId, sampleRateHertz]);
        return {
          sampleRateHertz,
          start: () => Promise.resolve(),
          stop: () => Promise.resolve(),
        };
      },
      keptForTab: kept,
      tabs: this.tabs,
      clock: this.clock,
      isOnline: () => true,
    });
  }

  static async live(): Promise<Lab> {
    const lab = new Lab();
    await lab.speaking.begin(CHOICES);
    return lab;
  }

  /** The page after a reload, with what the tab kept. */
  reloaded(): Lab {
    return new Lab(this.kept);
  }

  get state(): SpeakingState {
    return this.speaking.state.value;
  }

  get session(): LiveSession {
    const { state } = this;
    if (state.stage !== "live") throw new Error(`The page is ${state.stage}.`);
    return state.session;
  }

  notices(): string[] {
    return this.session.notices.map(({ text }) => text);
  }
}

interface Held {
  readonly promise: Promise<void>;
  readonly succeed: () => void;
  readonly fail: (error: Error) => void;
}

/** A promise that the test settles. */
function held(): Held {
  let succeed: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    succeed = resolve;
    fail = reject;
  });
  return { promise, succeed, fail };
}

test("a session is created as chosen, with captions for the speaker, and the microphone starts", async () => {
  const lab = await Lab.live();
  assert.deepEqual(lab.speaker.created, {
    sourceLanguage: "en-GB",
    access: "passcode",
    qualityTier: "standard",
    keepTranscript: true,
    receiveCaptions: true,
  });
  assert.equal(lab.session.sessionId, SESSION);
  assert.equal(lab.session.passcode, "123456");
  assert.equal(lab.session.microphone, "on");
  assert.deepEqual(lab.microphones, [["headset", 16_000]]);
});

test("the passcode is not kept in the tab", async () => {
  const lab = await Lab.live();
  assert.doesNotMatch(lab.kept.read("session") ?? "", /123456/);
});

test("what the service refuses is said, and the session can be begun again", async () => {
  const lab = new Lab();
  lab.speaker.createFailures.push(new UnsupportedLanguageError("UNSUPPORTED_LANGUAGE", "tlh"));
  await lab.speaking.begin(CHOICES);
  assert.deepEqual(lab.state, {
    stage: "preparing",
    problem: words.speak.problems.UNSUPPORTED_LANGUAGE,
  });
  await lab.speaking.begin(CHOICES);
  assert.equal(lab.state.stage, "live");
});

test("without a token the person is asked to sign in, and nothing is tried", async () => {
  const lab = new Lab();
  lab.speaker.createFailures.push(SIGN_IN_NEEDED);
  await lab.speaking.begin(CHOICES);
  assert.deepEqual(lab.state, { stage: "signedOut" });
});

test("a microphone that fails leaves the session live, says why, and can be started again", async () => {
  const lab = new Lab();
  lab.speaker.audioFailures.push(new MicrophoneError("refused", "no"));
  await lab.speaking.begin(CHOICES);
  assert.equal(lab.session.microphone, "off");
  assert.deepEqual(lab.notices(), [words.speak.microphone.refused]);
  await lab.speaking.startMicrophone(undefined);
  assert.equal(lab.session.microphone, "on");
  assert.deepEqual(lab.notices(), []);
});

test("a microphone that is unplugged is said, and the meter falls to nothing", async () => {
  const lab = await Lab.live();
  lab.speaker.emit("audioLevel", { rmsDecibels: -20, peakDecibels: -10 });
  assert.ok(lab.speaking.meter.value.fraction > 0.5);
  lab.speaker.emit("audioEnded", { error: new MicrophoneError("lost", "gone") });
  assert.equal(lab.session.microphone, "off");
  assert.deepEqual(lab.notices(), [words.speak.microphone.lost]);
  assert.equal(lab.speaking.meter.value.fraction, 0);
});

test("what comes late of a microphone that was stopped does not change what is said of the next one", async () => {
  for (const comesLate of ["failure", "success"] as const) {
    const lab = await Lab.live();
    await lab.speaking.stopMicrophone();
    const slow = held();
    const next = held();
    lab.speaker.audioHolds.push(slow.promise, next.promise);
    const slowStart = lab.speaking.startMicrophone("slow");
    await lab.speaking.stopMicrophone();
    const nextStart = lab.speaking.startMicrophone("next");
    if (comesLate === "failure") slow.fail(new MicrophoneError("unusable", "no"));
    else slow.succeed();
    await slowStart;
    assert.equal(lab.session.microphone, "starting");
    assert.deepEqual(lab.notices(), []);
    assert.equal(lab.speaking.kept?.microphoneId, "headset");
    next.succeed();
    await nextStart;
    assert.equal(lab.session.microphone, "on");
    assert.equal(lab.speaking.kept.microphoneId, "next");
    assert.equal(lab.speaking.kept.isMicrophoneOn, true);
  }
});

test("a microphone that fails after it was stopped is not said", async () => {
  const lab = await Lab.live();
  await lab.speaking.stopMicrophone();
  const slow = held();
  lab.speaker.audioHolds.push(slow.promise);
  const start = lab.speaking.startMicrophone("slow");
  await lab.speaking.stopMicrophone();
  slow.fail(new MicrophoneError("unusable", "no"));
  await start;
  assert.equal(lab.session.microphone, "off");
  assert.deepEqual(lab.notices(), []);
});

test("a microphone that was lost while it started stays off once its start has succeeded", async () => {
  const lab = await Lab.live();
  await lab.speaking.stopMicrophone();
  const slow = held();
  lab.speaker.audioHolds.push(slow.promise);
  const start = lab.speaking.startMicrophone("slow");
  lab.speaker.emit("audioEnded", { error: new MicrophoneError("lost", "gone") });
  slow.succeed();
  await start;
  assert.equal(lab.session.microphone, "off");
  assert.deepEqual(lab.notices(), [words.speak.microphone.lost]);
});

test("a reload takes the session back with its passcode, and starts the same microphone", async () => {
  const lab = (await Lab.live()).reloaded();
  await lab.speaking.restore();
  assert.deepEqual(lab.speaker.resumed, { sessionId: SESSION, receiveCaptions: true });
  assert.equal(lab.session.passcode, "654321");
  assert.equal(lab.session.broadcast?.isPaused, true);
  assert.deepEqual(lab.microphones, [["headset", 24_000]]);
  assert.deepEqual(lab.tabs.announced, [SESSION]);
});

test("a microphone that was stopped stays off after a reload", async () => {
  const before = await Lab.live();
  await before.speaking.stopMicrophone();
  assert.equal(before.speaker.source, undefined);
  const lab = before.reloaded();
  await lab.speaking.restore();
  assert.equal(lab.session.microphone, "off");
  assert.deepEqual(lab.microphones, []);
});

test("the time that has elapsed goes on counting over a reload", async () => {
  const before = await Lab.live();
  const { startedAt } = before.session;
  await before.clock.advance(60_000);
  const lab = before.reloaded();
  await lab.clock.advance(70_000);
  await lab.speaking.restore();
  assert.equal(lab.session.startedAt, startedAt);
});

test("while the service cannot be reached, a reload tries again and says so", async () => {
  const lab = (await Lab.live()).reloaded();
  lab.speaker.resumeFailures.push(
    new ConnectionFailedError("offline"),
    new ServiceUnavailableError("SERVICE_UNAVAILABLE", "busy"),
  );
  const shown: (string | undefined)[] = [];
  lab.speaking.state.watch(() => {
    if (lab.state.stage === "resuming") shown.push(lab.state.problem);
  });
  const restoring = lab.speaking.restore();
  await settled();
  await lab.clock.advance(500);
  await lab.clock.advance(1_000);
  await restoring;
  const { cannotConnect, problems } = words.speak;
  assert.deepEqual(shown, [undefined, cannotConnect, problems.SERVICE_UNAVAILABLE]);
  assert.equal(lab.state.stage, "live");
});

test("a session that is given up while it is taken back is asked for no more", async () => {
  const lab = (await Lab.live()).reloaded();
  lab.speaker.resumeFailures.push(new ConnectionFailedError("offline"));
  const restoring = lab.speaking.restore();
  await settled();
  lab.speaking.prepare();
  await restoring;
  await lab.clock.advance(60_000);
  assert.deepEqual(lab.state, { stage: "preparing", problem: undefined });
  assert.equal(lab.speaker.calls.filter((call) => call === "resumeSession").length, 1);
  assert.equal(lab.speaking.kept, undefined);
});

test("a session that ended while the page was away is over, without a guess why", async () => {
  for (const error of [
    new SessionEndedError("SESSION_ENDED", "over"),
    new SessionNotFoundError("SESSION_NOT_FOUND", "gone"),
  ]) {
    const lab = (await Lab.live()).reloaded();
    lab.speaker.resumeFailures.push(error);
    await lab.speaking.restore();
    assert.equal(lab.state.stage, "over");
    assert.equal(lab.state.end.reason, undefined);
  }
});

test("a session of another user is not taken back, and that is said", async () => {
  const lab = (await Lab.live()).reloaded();
  lab.speaker.resumeFailures.push(new UnauthorizedActionError("UNAUTHORIZED_ACTION", "no"));
  await lab.speaking.restore();
  assert.equal(lab.state.stage, "apart");
  assert.equal(lab.state.isElsewhere, false);
  assert.match(lab.state.problem, /another user/);
});

test("if the sign-in has expired, the session waits in the tab until after the next one", async () => {
  const lab = (await Lab.live()).reloaded();
  lab.speaker.resumeFailures.push(SIGN_IN_NEEDED);
  await lab.speaking.restore();
  assert.deepEqual(lab.state, { stage: "signedOut" });
  const after = lab.reloaded();
  await after.speaking.restore();
  assert.equal(after.session.sessionId, SESSION);
});

test("a tab whose session another tab takes says so, closes, and can take it back", async () => {
  const lab = await Lab.live();
  lab.tabs.handler("another-session-1-2");
  assert.equal(lab.state.stage, "live");
  lab.tabs.handler(SESSION);
  assert.ok(lab.speaker.isClosed);
  assert.deepEqual(lab.state, {
    stage: "apart",
    isElsewhere: true,
    problem: words.speak.apart.elsewhere,
  });
  await lab.speaking.takeBack();
  assert.equal(lab.state.stage, "live");
  assert.deepEqual(lab.tabs.announced, [SESSION]);
});

test("a tab whose session goes on elsewhere does not take it back by a reload", async () => {
  const before = await Lab.live();
  before.tabs.handler(SESSION);
  const lab = before.reloaded();
  await lab.speaking.restore();
  assert.equal(lab.state.stage, "apart");
  assert.equal(lab.speaker.resumed, undefined);
});

test("a session that goes on with another device is said, and that it ended is told apart", async () => {
  const taken = await Lab.live();
  taken.speaker.emit("ended", {
    sessionId: SESSION,
    reason: undefined,
    error: new ConnectionNotFoundError("CONNECTION_NOT_FOUND", "elsewhere"),
  });
  assert.equal(taken.state.stage, "apart");
  const lost = await Lab.live();
  lost.speaker.emit("ended", { sessionId: SESSION, reason: "speakerLost", error: undefined });
  assert.equal(lost.state.stage, "over");
  assert.equal(lost.state.end.reason, "speakerLost");
});

test("controls show the state that they lead to, and never an older one", async () => {
  const lab = await Lab.live();
  await lab.speaking.pause();
  assert.equal(lab.session.broadcast?.isPaused, true);
  lab.speaker.emit("broadcast", broadcastState(9, { isMuted: true }));
  await lab.speaking.unmute();
  assert.equal(lab.session.broadcast.version, 9);
  await lab.speaking.resume();
  await lab.speaking.mute();
  await lab.speaking.setVolume(0.5);
  assert.deepEqual(lab.speaker.calls, ["pause", "unmute", "resume", "mute", "setVolume 0.5"]);
});

test("a control that fails is said until one succeeds", async () => {
  const lab = await Lab.live();
  lab.speaker.controlFailures.push(new ServiceUnavailableError("SERVICE_UNAVAILABLE", "busy"));
  await lab.speaking.pause();
  const text = words.speak.notices.controlFailed(words.speak.problems.SERVICE_UNAVAILABLE ?? "");
  assert.deepEqual(lab.notices(), [text]);
  await lab.speaking.pause();
  assert.deepEqual(lab.notices(), []);
});

test("the end is shown with its summary, also after a reload, until a new session is begun", async () => {
  const before = await Lab.live();
  before.speaker.emit("status", status(3, { es: 2, de: 1 }));
  before.speaker.emit("status", status(1, { fr: 1 }));
  before.speaker.emit("caption", { caption: caption(1), isLate: false });
  await before.clock.advance(90_000);
  await before.speaking.end();
  const lab = before.reloaded();
  await lab.speaking.restore();
  for (const { state } of [before, lab]) {
    assert.equal(state.stage, "over");
    assert.equal(state.end.reason, "speakerEnded");
    assert.equal(state.end.at - state.session.startedAt, 90_000);
    assert.equal(state.session.mostListeners, 3);
    assert.deepEqual(state.session.readLanguages, ["es", "de", "fr"]);
    assert.equal(state.session.captionCount, 1);
  }
  assert.equal(lab.speaker.resumed, undefined);
  lab.speaking.prepare();
  assert.equal(lab.speaking.kept, undefined);
});

test("an end that fails leaves the session live and is said", async () => {
  const lab = await Lab.live();
  lab.speaker.controlFailures.push(new ServiceUnavailableError("SERVICE_UNAVAILABLE", "busy"));
  await lab.speaking.end();
  assert.equal(lab.session.isEnding, false);
  assert.equal(lab.notices().length, 1);
});

test("what was understood is a list in order, with the sentence being spoken apart", async () => {
  const lab = await Lab.live();
  const { speaker } = lab;
  speaker.emit("partialCaption", { caption: caption(1) });
  assert.equal(lab.session.partial?.sequence, 1);
  speaker.emit("caption", { caption: caption(1), isLate: false });
  speaker.emit("partialCaption", { caption: undefined });
  speaker.emit("caption", { caption: caption(3), isLate: false });
  speaker.emit("caption", { caption: caption(2), isLate: true });
  assert.deepEqual(
    lab.session.captions.map(({ sequence }) => sequence),
    [1, 2, 3],
  );
  assert.equal(lab.session.partial, undefined);
});

test("a failed transcription is said until something is understood again", async () => {
  const lab = await Lab.live();
  const failure = {
    type: "transcriptionError",
    timestamp: 1,
    sessionId: SESSION,
    message: "internal",
    retryAfterSeconds: 8,
  } as const;
  lab.speaker.emit("transcriptionError", { ...failure, isPermanent: false });
  assert.deepEqual(lab.notices(), [words.speak.notices.transcription(8)]);
  lab.speaker.emit("transcriptionError", { ...failure, isPermanent: true });
  assert.deepEqual(lab.notices(), [words.speak.notices.transcriptionPermanent]);
  lab.speaker.emit("caption", { caption: caption(1), isLate: false });
  assert.deepEqual(lab.notices(), []);
});

test("warnings of too much audio, and refused audio, are said for a while", async () => {
  const lab = await Lab.live();
  lab.speaker.emit("rateLimitWarning", {
    type: "rateLimitWarning",
    timestamp: 1,
    sessionId: SESSION,
    chunksPerSecond: 30,
    closesAfterSeconds: 10,
  });
  lab.speaker.emit("refused", new ServiceUnavailableError("SERVICE_UNAVAILABLE", "no slot"));
  assert.equal(lab.notices().length, 2);
  await lab.clock.advance(20_000);
  assert.deepEqual(lab.notices(), []);
});

test("an expired sign-in is said while the client tries to reconnect", async () => {
  const lab = await Lab.live();
  lab.speaker.emit("connection", {
    state: "reconnecting",
    error: SIGN_IN_NEEDED,
    failures: 1,
    retryInMilliseconds: 500,
  });
  assert.deepEqual(lab.session.notices, [{ kind: "signIn", text: words.speak.signIn.expired }]);
  lab.speaker.emit("connection", { state: "connected" });
  assert.deepEqual(lab.notices(), []);
});

test("nothing of a session shows after another one has begun", async () => {
  const lab = await Lab.live();
  await lab.speaking.end();
  lab.speaking.prepare();
  lab.speaker.emit("status", status(5, { es: 5 }));
  await lab.speaking.begin(CHOICES);
  assert.equal(lab.session.listenerCount, 0);
  assert.deepEqual(lab.session.captions, []);
});

test("after the end no timer is left", async () => {
  const lab = await Lab.live();
  lab.speaker.emit("refused", new ServiceUnavailableError("SERVICE_UNAVAILABLE", "no slot"));
  await lab.speaking.end();
  assert.equal(lab.clock.timers, 0);
});
