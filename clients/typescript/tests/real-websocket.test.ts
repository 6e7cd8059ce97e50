/** The client on WebSockets of Node.js itself and of the package `ws`, as far as a loopback server goes. */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { WebSocketServer, WebSocket as WsWebSocket } from "ws";

import type { WebSocketClass } from "../src/connection.ts";
import { ConnectionFailedError } from "../src/errors.ts";
import { Listener } from "../src/listener.ts";
import { Speaker } from "../src/speaker.ts";
import { SESSION, caption, history, sessionJoined } from "./frames.ts";

const classes: [string, WebSocketClass][] = [["ws", WsWebSocket]];
// Node 20 has none.
const own = (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
if (own !== undefined) classes.push(["Node's own", own]);

interface Server {
  readonly url: string;
  readonly server: WebSocketServer;
  /** The subprotocols of each handshake. */
  readonly offered: string[];
}

/** Answers each message; `answers` has what is answered, by action. */
async function serving(answers: Record<string, object>): Promise<Server> {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    handleProtocols: (protocols) =>
      protocols.has("live-sessions.v1") ? "live-sessions.v1" : false,
  });
  const offered: string[] = [];
  server.on("connection", (socket, request) => {
    offered.push(String(request.headers["sec-websocket-protocol"]));
    socket.on("message", (data: Buffer) => {
      const { action, requestId } = JSON.parse(data.toString()) as Record<string, string>;
      const answer = answers[action ?? ""];
      if (answer !== undefined) socket.send(JSON.stringify({ ...answer, timestamp: 1, requestId }));
    });
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/live`, server, offered };
}

function stopped({ server }: Server): Promise<unknown> {
  const closed = once(server, "close");
  for (const socket of server.clients) socket.terminate();
  server.close();
  return closed;
}

for (const [name, WebSocket] of classes) {
  test(`a listener on ${name} joins, reads, comes back after a cut, and closes`, async () => {
    const service = await serving({
      joinSession: sessionJoined(),
      getCaptions: history([caption(1)]),
      refreshConnection: {
        type: "connectionRefreshComplete",
        sessionId: SESSION,
        connectionId: "connection-2",
        broadcastState: sessionJoined().broadcastState,
      },
    });
    const listener = new Listener({ url: service.url, WebSocket });
    const texts: string[] = [];
    const first = new Promise<void>((resolve) => {
      listener.on("caption", ({ caption: { text } }) => {
        texts.push(text);
        resolve();
      });
    });
    await listener.join({ sessionId: SESSION, targetLanguage: "es" });
    await first;
    const back = new Promise<void>((resolve) => {
      let isLost = false;
      listener.on("connection", ({ state }) => {
        if (state === "reconnecting") {
          isLost = true;
          listener.retryNow();
        } else if (state === "connected" && isLost) resolve();
      });
    });
    for (const socket of service.server.clients) socket.terminate();
    await back;
    assert.deepEqual(texts, ["texto 1"]);
    assert.deepEqual(service.offered, ["live-sessions.v1", "live-sessions.v1"]);
    const gone = once([...service.server.clients][0]!, "close");
    listener.close();
    assert.equal((await gone)[0], 1000);
    await stopped(service);
  });

  test(`a speaker on ${name} brings its token as a subprotocol`, async () => {
    const service = await serving({
      createSession: { type: "sessionCreated", sessionId: SESSION, sampleRateHertz: 16_000 },
    });
    const speaker = new Speaker({ url: service.url, token: "a.b-c_d", WebSocket });
    await speaker.createSession({ sourceLanguage: "en" });
    assert.match(service.offered[0] ?? "", /^live-sessions\.v1, ?bearer\.a\.b-c_d$/);
    speaker.close();
    await stopped(service);
  });

  test(`nobody listens: ${name} says so`, async () => {
    const service = await serving({});
    await stopped(service);
    const listener = new Listener({ url: service.url, WebSocket });
    const joining = listener.join({ sessionId: SESSION, targetLanguage: "es" });
    await assert.rejects(joining, ConnectionFailedError);
  });
}
