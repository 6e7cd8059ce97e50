import assert from "node:assert/strict";
import { test } from "node:test";

import { broadcastMode, connectionWords } from "../../src/speak/broadcast.ts";
import { clockDuration } from "../../src/speak/durations.ts";
import { words } from "../../src/words.ts";
import { broadcastState } from "../../../clients/typescript/tests/frames.ts";

test("what becomes of speech depends on the broadcast first, and then on the microphone", () => {
  const mode = (
    changes: Parameters<typeof broadcastState>[1],
    microphone: "on" | "off" | "starting" = "on",
  ): string => broadcastMode({ broadcast: broadcastState(1, changes), microphone });
  assert.equal(mode({}), "on");
  assert.equal(mode({}, "off"), "waiting");
  assert.equal(mode({}, "starting"), "waiting");
  assert.equal(mode({ isPaused: true, isMuted: true }), "paused");
  assert.equal(mode({ isMuted: true, volume: 0 }), "muted");
  assert.equal(mode({ volume: 0 }, "off"), "silent");
  assert.equal(broadcastMode({ broadcast: undefined, microphone: "on" }), "on");
});

test("a lost connection says when it is tried again", () => {
  const said = (retryInMilliseconds: number): string =>
    connectionWords({
      state: "reconnecting",
      error: new Error("lost"),
      failures: 1,
      retryInMilliseconds,
    });
  assert.match(said(4_200), /in 4 s/);
  assert.match(said(250), /Reconnecting/);
  assert.equal(connectionWords({ state: "connected" }), words.speak.connection.connected);
});

test("durations are shown as a clock shows them", () => {
  assert.deepEqual([-1, 999, 61_000, 3_723_000].map(clockDuration), [
    "0:00",
    "0:00",
    "1:01",
    "1:02:03",
  ]);
});
