import assert from "node:assert/strict";
import { test } from "node:test";

import type { Connection } from "../src/connection.ts";
import { ConnectionFailedError, ConnectionLostError, WrongStateError } from "../src/errors.ts";
import {
  ReconnectingConnection,
  type ConnectionState,
  type TokenProvider,
} from "../src/reconnecting-connection.ts";
import { FakeClock, settled } from "./fake-clock.ts";
import { FakeNetwork, type FakeSocket } from "./fake-network.ts";
import { URL } from "./frames.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

class Lab {
  readonly clock: FakeClock;
  readonly network = new FakeNetwork();
  readonly states: ConnectionState["state"][] = [];
  readonly givenUp: Error[] = [];
  replaced = 0;
  lost = 0;
  /** What entering does on each new socket. */
  enter: (connection: Connection, isFirst: boolean) => Promise<void> = () => Promise.resolve();
  readonly connection: ReconnectingConnection;

  constructor(token?: TokenProvider, random = 0.5) {
    this.clock = new FakeClock(() => random);
    this.connection = new ReconnectingConnection({
      url: URL,
      token,
      WebSocket: this.network.WebSocket,
      clock: this.clock,
      backoff: { firstMilliseconds: 1_000, mostMilliseconds: 30_000 },
      enter: (connection, isFirst) => this.enter(connection, isFirst),
      onFrame: () => undefined,
      onReplaced: () => {
        this.replaced += 1;
      },
      onLost: () => {
        this.lost += 1;
      },
      onState: ({ state }) => this.states.push(state),
      onGivenUp: (error) => this.givenUp.push(error),
    });
    this.network.onSocket = answering;
  }

  get socket(): FakeSocket {
    return this.network.last;
  }

  get opened(): number {
    return this.network.sockets.length;
  }
}

/** Opens at once, and answers heartbeats. */
function answering(socket: FakeSocket): void {
  queueMicrotask(() => {
    socket.open();
  });
  socket.onSent = ({ action }) => {
    if (action === "heartbeat") socket.reply("heartbeat", { type: "heartbeatAck" });
  };
}

/** A network that refuses every socket. */
function refusing(socket: FakeSocket): void {
  queueMicrotask(() => {
    socket.drop();
  });
}

test("a heartbeat is sent every minute", async () => {
  const lab = new Lab();
  await lab.connection.start();
  await lab.clock.advance(HOUR);
  assert.equal(lab.socket.count("heartbeat"), 60);
  assert.equal(lab.opened, 1);
});

test("a socket on which nothing comes after a heartbeat is replaced", async () => {
  const lab = new Lab();
  await lab.connection.start();
  const dead = lab.socket;
  dead.onSent = () => undefined;
  await lab.clock.advance(MINUTE + 20_000);
  assert.ok(dead.closedByClient);
  assert.equal(lab.lost, 1);
  await lab.clock.advance(1_000);
  assert.equal(lab.opened, 2);
  assert.deepEqual(lab.states, ["connecting", "connected", "reconnecting", "connected"]);
});

test("a socket on which anything comes is kept, even if the heartbeat fails", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.socket.onSent = () => {
    lab.socket.receive({ type: "caption", timestamp: 1 });
  };
  lab.clock.after(MINUTE + 1, () => {
    lab.socket.receive({ type: "caption", timestamp: 1 });
  });
  await lab.clock.advance(MINUTE + 30_000);
  assert.equal(lab.opened, 1);
});

test("a heartbeat of a connection that the service does not know leads to another socket", async () => {
  const lab = new Lab();
  await lab.connection.start();
  const unknown = lab.socket;
  unknown.onSent = () => {
    unknown.refuse("heartbeat", "CONNECTION_NOT_FOUND");
  };
  await lab.clock.advance(MINUTE + 1_000);
  assert.equal(lab.opened, 2);
  assert.equal(lab.replaced, 1);
});

for (const type of ["connectionRefreshRequired", "connectionWarning"]) {
  test(`on ${type} the new socket is in the session before the old one is closed`, async () => {
    const lab = new Lab();
    await lab.connection.start();
    const old = lab.socket;
    let finishEntering = (): void => undefined;
    lab.enter = () =>
      new Promise((resolve) => {
        finishEntering = resolve;
      });
    old.receive({ type, timestamp: 1, remainingMinutes: 14 });
    old.receive({ type, timestamp: 1, remainingMinutes: 14 });
    await settled();
    await settled();
    assert.equal(lab.opened, 2);
    assert.ok(!old.closedByClient);
    finishEntering();
    await settled();
    assert.ok(old.closedByClient);
    assert.equal(lab.replaced, 1);
    assert.equal(lab.lost, 0);
    assert.deepEqual(lab.states, ["connecting", "connected", "connected"]);
  });
}

test("a heartbeat that the old socket refuses during a refresh loses nothing", async () => {
  const lab = new Lab();
  await lab.connection.start();
  const old = lab.socket;
  lab.enter = () =>
    new Promise((resolve) => {
      lab.clock.after(1_000, resolve);
    });
  old.onSent = () => {
    old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
    lab.clock.after(500, () => {
      old.refuse("heartbeat", "CONNECTION_NOT_FOUND");
    });
  };
  await lab.clock.advance(MINUTE + 2_000);
  assert.equal(lab.lost, 0);
  assert.equal(lab.replaced, 1);
  assert.deepEqual(lab.states, ["connecting", "connected", "connected"]);
});

test("what waited for a refresh goes to the old socket if the refresh fails", async () => {
  const lab = new Lab();
  await lab.connection.start();
  const old = lab.socket;
  let fail = (): void => undefined;
  lab.enter = () =>
    new Promise((_, reject) => {
      fail = () => {
        reject(new ConnectionLostError("for now"));
      };
    });
  old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await settled();
  await settled();
  const asked = lab.connection.request({ action: "heartbeat" });
  await settled();
  assert.equal(old.count("heartbeat"), 0);
  fail();
  assert.equal((await asked).type, "heartbeatAck");
  assert.equal(old.count("heartbeat"), 1);
});

test("a socket is replaced by the client's own clock, too, before API Gateway closes it", async () => {
  for (const random of [0, 0.999]) {
    const lab = new Lab(undefined, random);
    await lab.connection.start();
    await lab.clock.advance(104 * MINUTE);
    assert.equal(lab.opened, 1);
    await lab.clock.advance(6 * MINUTE + 1_000);
    assert.equal(lab.opened, 2);
    assert.equal(lab.lost, 0);
  }
});

test("a refresh that fails is tried again while the old socket goes on", async () => {
  const lab = new Lab();
  await lab.connection.start();
  const old = lab.socket;
  lab.network.onSocket = refusing;
  old.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.clock.advance(MINUTE);
  assert.ok(lab.opened > 3);
  assert.ok(!old.closedByClient);
  assert.deepEqual(lab.states, ["connecting", "connected"]);
  lab.network.onSocket = answering;
  await lab.clock.advance(MINUTE);
  assert.ok(old.closedByClient);
  assert.equal(lab.replaced, 1);
});

test("without a network attempts become rare: an hour has few of them, at either end of chance", async () => {
  for (const random of [0, 0.5, 0.999]) {
    const lab = new Lab(undefined, random);
    await lab.connection.start();
    lab.network.onSocket = refusing;
    lab.socket.drop();
    const least = random === 0 ? HOUR / 50 : HOUR / (30_000 * random) + 10;
    await lab.clock.advance(random === 0 ? MINUTE : HOUR);
    assert.ok(lab.opened <= least, `${lab.opened} attempts`);
    assert.ok(lab.opened > 50);
  }
});

test("sockets that are lost as soon as they open are not replaced in a tight loop", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.network.onSocket = (socket) => {
    answering(socket);
    lab.clock.after(10, () => {
      socket.drop();
    });
  };
  lab.socket.drop();
  await lab.clock.advance(HOUR);
  assert.ok(lab.opened < HOUR / 15_000 + 10, `${lab.opened} sockets`);
  assert.deepEqual(lab.givenUp, []);
});

test("after a socket that lasted, the first attempt comes soon again", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.network.onSocket = refusing;
  lab.socket.drop();
  await lab.clock.advance(10 * MINUTE);
  lab.network.onSocket = answering;
  await lab.clock.advance(MINUTE);
  const before = lab.opened;
  lab.socket.drop();
  await lab.clock.advance(500);
  assert.equal(lab.opened, before + 1);
});

test("a wait that the service asks for is kept, and the state says how long it is", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.enter = (connection) =>
    connection.request({ action: "heartbeat" }, 1_000).then(() => undefined);
  lab.network.onSocket = (socket) => {
    answering(socket);
    socket.onSent = () => {
      socket.refuse("heartbeat", "RATE_LIMITED", { retryAfterSeconds: 40 });
    };
  };
  lab.socket.drop();
  await lab.clock.advance(500);
  assert.equal(lab.opened, 2);
  const state = lab.connection.state;
  assert.ok(state.state === "reconnecting");
  assert.equal(state.retryInMilliseconds, 45_000);
  await lab.clock.advance(44_000);
  assert.equal(lab.opened, 2);
  await lab.clock.advance(2_000);
  assert.equal(lab.opened, 3);
});

test("each socket has a token of its own, and a provider that fails is asked again", async () => {
  let asked = 0;
  const lab = new Lab(() => {
    asked += 1;
    return asked === 2
      ? Promise.reject(new Error("no network"))
      : Promise.resolve(`token-${asked}`);
  });
  await lab.connection.start();
  assert.deepEqual(lab.socket.protocols[1], "bearer.token-1");
  lab.socket.drop();
  await lab.clock.advance(10_000);
  assert.deepEqual(lab.socket.protocols[1], "bearer.token-3");
  assert.equal(lab.opened, 2);
});

for (const code of ["SESSION_ENDED", "SESSION_NOT_FOUND", "INVALID_PASSCODE"]) {
  test(`${code} on the way back is final: the client stops and says why`, async () => {
    const lab = new Lab();
    await lab.connection.start();
    lab.enter = (connection) =>
      connection.request({ action: "heartbeat" }, 1_000).then(() => undefined);
    lab.network.onSocket = (socket) => {
      answering(socket);
      socket.onSent = () => {
        socket.refuse("heartbeat", code);
      };
    };
    lab.socket.drop();
    await lab.clock.advance(HOUR);
    assert.equal(lab.opened, 2);
    assert.equal(lab.givenUp.length, 1);
    assert.ok(lab.socket.closedByClient);
    assert.equal(lab.states.at(-1), "closed");
    assert.equal(lab.clock.timers, 0);
  });
}

test("a refusal during a refresh is not final while the old socket goes on", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.enter = () => Promise.reject(new WrongStateError("for now"));
  lab.socket.receive({ type: "connectionRefreshRequired", timestamp: 1 });
  await lab.clock.advance(MINUTE);
  assert.deepEqual(lab.givenUp, []);
  lab.network.sockets[0]?.drop();
  await lab.clock.advance(MINUTE);
  assert.equal(lab.givenUp.length, 1);
});

test("what prevents the first socket is raised, and the client can be started again", async () => {
  const lab = new Lab();
  lab.network.onSocket = refusing;
  await assert.rejects(lab.connection.start(), ConnectionFailedError);
  assert.equal(lab.connection.state.state, "closed");
  lab.network.onSocket = answering;
  await lab.connection.start();
  assert.equal(lab.connection.state.state, "connected");
  await assert.rejects(lab.connection.start(), WrongStateError);
});

test("a client that is stopped opens nothing and sends nothing any more, at any moment", async () => {
  const moments: ((lab: Lab) => Promise<void>)[] = [
    () => Promise.resolve(),
    async (lab) => {
      lab.socket.drop();
      await settled();
    },
    async (lab) => {
      lab.network.onSocket = () => undefined;
      lab.socket.drop();
      await lab.clock.advance(1_000);
    },
    async (lab) => {
      lab.enter = () => new Promise(() => undefined);
      lab.socket.receive({ type: "connectionRefreshRequired", timestamp: 1 });
      await settled();
      await settled();
    },
  ];
  for (const reach of moments) {
    const lab = new Lab();
    await lab.connection.start();
    await reach(lab);
    lab.connection.stop();
    const { opened } = lab;
    const sent = lab.network.sockets.map((socket) => socket.sent.length);
    lab.socket.open();
    await lab.clock.advance(HOUR);
    assert.equal(lab.opened, opened);
    assert.deepEqual(
      lab.network.sockets.map((socket) => socket.sent.length),
      sent,
    );
    assert.equal(lab.connection.state.state, "closed");
  }
});

test("a request without a socket waits for the next one", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.socket.drop();
  const asked = lab.connection.request({ action: "heartbeat" });
  await lab.clock.advance(1_000);
  assert.equal((await asked).type, "heartbeatAck");
});

test("a request fails if no socket comes in time, and at once when the client is stopped", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.network.onSocket = refusing;
  lab.socket.drop();
  const late = assert.rejects(lab.connection.request({ action: "heartbeat" }), ConnectionLostError);
  await lab.clock.advance(15_000);
  await late;
  const stopped = assert.rejects(lab.connection.request({ action: "heartbeat" }), WrongStateError);
  lab.connection.stop();
  await stopped;
});

test("retryNow ends the wait", async () => {
  const lab = new Lab();
  await lab.connection.start();
  lab.network.onSocket = refusing;
  lab.socket.drop();
  await lab.clock.advance(10 * MINUTE);
  lab.network.onSocket = answering;
  lab.connection.retryNow();
  await settled();
  await settled();
  assert.equal(lab.connection.state.state, "connected");
});
