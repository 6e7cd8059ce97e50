/** Whatever happens to a listener's sockets: each final caption is shown, once, in its place. */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { Listener } from "../src/listener.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeNetwork } from "./fake-network.ts";
import { SESSION, URL } from "./frames.ts";
import { FakeService, type Weather } from "./fake-service.ts";

const SCHEDULES = 1_500;

type Step =
  | { readonly kind: "speak"; readonly missing: number; readonly pause: number }
  | { readonly kind: "cut"; readonly pause: number }
  | { readonly kind: "die"; readonly pause: number }
  | { readonly kind: "refresh"; readonly pause: number }
  | { readonly kind: "language"; readonly pause: number; readonly language: "es" | "fr" | "pt" }
  | { readonly kind: "forget"; readonly pause: number }
  | { readonly kind: "offline"; readonly pause: number };

const pause = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("speak" as const),
      missing: fc.oneof(
        { weight: 5, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
      ),
      pause,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("cut" as const), pause }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("die" as const), pause }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("refresh" as const), pause }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("language" as const),
      language: fc.constantFrom("es" as const, "fr" as const, "pt" as const),
      pause,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const), pause }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("offline" as const), pause }) },
);

interface Played {
  readonly spoken: readonly number[];
  readonly shown: readonly { readonly sequence: number; readonly isLate: boolean }[];
  readonly sockets: number;
}

async function play(
  steps: readonly Step[],
  before: number,
  seed: number,
  weather: Omit<Weather, "random">,
): Promise<Played> {
  const random = mulberry32(seed);
  const clock = new FakeClock(random);
  const network = new FakeNetwork();
  const service = new FakeService(clock, network, { ...weather, random });
  const { onSocket } = network;
  const shown: { sequence: number; isLate: boolean }[] = [];
  const spoken: number[] = [];
  let sequence = 0;
  const speak = (missing = 0): void => {
    sequence += 1 + missing;
    spoken.push(sequence);
    service.speak(sequence);
  };
  for (let count = 0; count < before; count += 1) speak();
  await clock.advance(5_000);

  const listener = new Listener({ url: URL, WebSocket: network.WebSocket, clock });
  listener.on("caption", ({ caption, isLate }) => {
    shown.push({ sequence: caption.sequence, isLate });
  });
  const joining = listener.join({ sessionId: SESSION, targetLanguage: "es" });
  await clock.advance(5_000);
  await joining;

  for (const each of steps) {
    switch (each.kind) {
      case "speak":
        speak(each.missing);
        break;
      case "cut":
        network.last.drop();
        break;
      case "die": {
        const dead = network.last;
        dead.receiveData = () => undefined;
        dead.onSent = () => undefined;
        break;
      }
      case "refresh":
        network.last.receive({ type: "connectionRefreshRequired", timestamp: 1 });
        break;
      case "language":
        void listener.changeLanguage(each.language).catch(() => undefined);
        break;
      case "forget":
        service.forget();
        break;
      case "offline":
        network.onSocket = (socket) => {
          queueMicrotask(() => {
            socket.drop();
          });
        };
        network.last.drop();
        break;
    }
    await clock.advance(each.pause);
    network.onSocket = onSocket;
  }
  // Long enough to find a dead socket, to come back and to ask twice.
  await clock.advance(300_000);
  speak();
  await clock.advance(30_000);
  listener.close();
  return { spoken, shown, sockets: network.sockets.length };
}

/** Every caption from the join on, once, after the last ones from before it. */
function check({ spoken, shown }: Played, before: number): void {
  const sequences = shown.map((each) => each.sequence);
  const inOrder = [...sequences].sort((one, other) => one - other);
  assert.deepEqual(inOrder, spoken.slice(-inOrder.length), "a hole or a double");
  const atLeast = Math.max(spoken.length - before, Math.min(spoken.length, 20));
  assert.ok(inOrder.length >= atLeast, `${inOrder.length} of at least ${atLeast} were shown`);
  const punctual = shown.filter((each) => !each.isLate).map((each) => each.sequence);
  assert.deepEqual(
    punctual,
    [...punctual].sort((one, other) => one - other),
    "only a late caption comes after a later one",
  );
}

const parameters = [
  fc.array(step, { minLength: 1, maxLength: 40 }),
  fc.integer({ min: 0, max: 30 }),
  fc.integer(),
] as const;

test(`nothing is missed and nothing comes twice, over ${SCHEDULES} random schedules`, async () => {
  let sockets = 0;
  await fc.assert(
    fc.asyncProperty(...parameters, async (steps, before, seed) => {
      const played = await play(steps, before, seed, {
        mostLatencyMilliseconds: 400,
        mostIndexLagMilliseconds: 2_000,
        mostWriteLagMilliseconds: 1_500,
        historyFailures: 0.15,
      });
      sockets += played.sockets;
      check(played, before);
    }),
    { numRuns: SCHEDULES },
  );
  assert.ok(sockets > SCHEDULES * 3, "the schedules cut sockets");
});

test("where nothing lags, no caption is late", async () => {
  await fc.assert(
    fc.asyncProperty(...parameters, async (all, before, seed) => {
      // Whom the service forgets has no history until the next socket.
      const steps = all.filter(({ kind }) => kind !== "forget");
      const played = await play(steps, before, seed, {
        mostLatencyMilliseconds: 100,
        mostIndexLagMilliseconds: 0,
        mostWriteLagMilliseconds: 0,
        historyFailures: 0,
      });
      check(played, before);
      assert.deepEqual(
        played.shown.filter((each) => each.isLate),
        [],
      );
    }),
    { numRuns: 300 },
  );
});

/** A small generator of random numbers, for schedules that can be played again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
