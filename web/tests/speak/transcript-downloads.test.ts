import assert from "node:assert/strict";
import { test } from "node:test";

import {
  ConnectionFailedError,
  TranscriptNotAvailableError,
  UnauthorizedActionError,
  type TranscriptLink,
  type TranscriptOptions,
} from "live-sessions";

import { TranscriptDownloads } from "../../src/speak/transcript-downloads.ts";
import { words } from "../../src/words.ts";
import { FakeClock, settled } from "./fake-clock.ts";
import { SESSION } from "../../../clients/typescript/tests/frames.ts";

const NOT_YET = new TranscriptNotAvailableError("TRANSCRIPT_NOT_AVAILABLE", "not yet");

class Lab {
  readonly clock = new FakeClock();
  readonly asked: (TranscriptOptions | undefined)[] = [];
  readonly opened: string[] = [];
  /** What the next questions are refused with; `always`: all of them. */
  readonly failures: Error[] = [];
  always: Error | undefined;
  readonly downloads = new TranscriptDownloads(
    {
      getTranscript: (options): Promise<TranscriptLink> => {
        this.asked.push(options);
        const failure = this.failures.shift() ?? this.always;
        if (failure !== undefined) return Promise.reject(failure);
        return Promise.resolve({
          type: "transcript",
          timestamp: 1,
          sessionId: SESSION,
          language: "en",
          format: "txt",
          url: "https://bucket.example/file",
          expiresAt: 2,
        });
      },
    },
    SESSION,
    this.clock,
    (url) => this.opened.push(url),
    () => true,
  );
}

test("a transcript is asked for until it is there", async () => {
  const lab = new Lab();
  lab.failures.push(NOT_YET, new ConnectionFailedError("offline"));
  const awaiting = lab.downloads.waitUntilWritten();
  await settled();
  assert.deepEqual(lab.downloads.state.value, { stage: "waiting" });
  await lab.clock.advance(7_000);
  await awaiting;
  assert.equal(lab.downloads.state.value.stage, "ready");
  assert.deepEqual(lab.asked, Array(3).fill({ sessionId: SESSION }));
});

test("after a quarter of an hour it is asked for no more, until the person asks", async () => {
  const lab = new Lab();
  lab.always = NOT_YET;
  const awaiting = lab.downloads.waitUntilWritten();
  await settled();
  await lab.clock.advance(16 * 60_000);
  await awaiting;
  const late = { stage: "late", problem: words.speak.transcript.late };
  assert.deepEqual(lab.downloads.state.value, late);
  const { length } = lab.asked;
  assert.ok(length < 40, `${length} questions`);
  await lab.clock.advance(60 * 60_000);
  assert.equal(lab.asked.length, length);
  lab.always = undefined;
  await lab.downloads.waitUntilWritten();
  assert.equal(lab.downloads.state.value.stage, "ready");
});

test("what does not pass is said at once", async () => {
  const lab = new Lab();
  lab.always = new UnauthorizedActionError("UNAUTHORIZED_ACTION", "no");
  await lab.downloads.waitUntilWritten();
  assert.equal(lab.downloads.state.value.stage, "late");
  assert.equal(lab.asked.length, 1);
});

test("each download asks for a link of its own, since links expire", async () => {
  const lab = new Lab();
  await lab.downloads.waitUntilWritten();
  await lab.downloads.download("es", "srt");
  await lab.downloads.download(undefined, "txt");
  assert.deepEqual(lab.asked.slice(1), [
    { sessionId: SESSION, language: "es", format: "srt" },
    { sessionId: SESSION, format: "txt" },
  ]);
  assert.equal(lab.opened.length, 2);
  assert.deepEqual(lab.downloads.state.value, { stage: "ready", download: { state: "started" } });
});

test("a download that fails is said, and opens nothing", async () => {
  const lab = new Lab();
  await lab.downloads.waitUntilWritten();
  lab.failures.push(NOT_YET);
  await lab.downloads.download("fr", "vtt");
  assert.deepEqual(lab.downloads.state.value, {
    stage: "ready",
    download: { state: "failed", problem: words.speak.problems.TRANSCRIPT_NOT_AVAILABLE },
  });
  assert.deepEqual(lab.opened, []);
});

test("whoever leaves the page of a session's end asks no more", async () => {
  const lab = new Lab();
  lab.always = NOT_YET;
  const awaiting = lab.downloads.waitUntilWritten();
  await settled();
  lab.downloads.stop();
  await awaiting;
  await lab.clock.advance(60_000);
  assert.equal(lab.asked.length, 1);
  assert.equal(lab.clock.timers, 0);
});
