import assert from "node:assert/strict";
import { test } from "node:test";

import { Emitter } from "../src/emitter.ts";
import { settled } from "./fake-clock.ts";

interface Events {
  word: string;
}

test("each handler of an event is called with it, until it is removed", () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const remove = emitter.on("word", (word) => {
    heard.push(`first ${word}`);
  });
  emitter.on("word", (word) => {
    heard.push(`second ${word}`);
  });
  emitter.emit("word", "one");
  remove();
  emitter.emit("word", "two");
  assert.deepEqual(heard, ["first one", "second one", "second two"]);
});

test("what handlers throw, at once or later, is reported and disturbs no other handler", async () => {
  const reported: unknown[] = [];
  const emitter = new Emitter<Events>((error) => reported.push(error));
  const heard: string[] = [];
  emitter.on("word", () => {
    throw new Error("thrown");
  });
  emitter.on("word", async () => {
    await Promise.resolve();
    throw new Error("rejected");
  });
  emitter.on("word", (word) => {
    heard.push(word);
  });
  emitter.emit("word", "one");
  await settled();
  assert.deepEqual(heard, ["one"]);
  assert.deepEqual(reported, [new Error("thrown"), new Error("rejected")]);
});

test("a handler that removes itself is called once and the others are not left out", () => {
  const emitter = new Emitter<Events>();
  const heard: string[] = [];
  const remove = emitter.on("word", () => {
    heard.push("once");
    remove();
  });
  emitter.on("word", () => {
    heard.push("each time");
  });
  emitter.emit("word", "one");
  emitter.emit("word", "two");
  assert.deepEqual(heard, ["once", "each time", "each time"]);
});
