import assert from "node:assert/strict";
import { test } from "node:test";

import { THEMES, readTheme, themeAttributes, writeTheme } from "../src/look/appearance.ts";
import { keptIn } from "../src/look/kept.ts";
import { keptInMemory } from "./kept-in-memory.ts";

test("the reader's theme is remembered", () => {
  const kept = keptInMemory();
  assert.equal(readTheme(kept), "device");
  for (const theme of THEMES) {
    writeTheme(kept, theme);
    assert.equal(readTheme(kept), theme);
  }
});

test("a theme of another release is the device's", () => {
  assert.equal(readTheme(keptInMemory({ theme: "sepia" })), "device");
});

test("the device decides, unless the reader has chosen", () => {
  assert.deepEqual(themeAttributes("device", false), { theme: undefined, contrast: undefined });
  assert.deepEqual(themeAttributes("device", true), { theme: undefined, contrast: "more" });
  assert.deepEqual(themeAttributes("light", false), { theme: "light", contrast: undefined });
  assert.deepEqual(themeAttributes("dark", true), { theme: "dark", contrast: "more" });
  assert.deepEqual(themeAttributes("contrast", false), { theme: "dark", contrast: "more" });
});

test("a browser that forbids storage is no error", () => {
  const kept = keptIn(() => {
    throw new DOMException("forbidden", "SecurityError");
  });
  kept.write("theme", "dark");
  assert.equal(kept.read("theme"), undefined);
});

test("what is kept is under the project's name, and is removed without a value", () => {
  const entries = new Map<string, string>();
  const storage = {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => entries.set(key, value),
    removeItem: (key: string) => entries.delete(key),
  };
  const kept = keptIn(() => storage as unknown as Storage);
  kept.write("theme", "dark");
  assert.deepEqual([...entries], [["live-sessions.theme", "dark"]]);
  kept.write("theme", undefined);
  assert.equal(entries.size, 0);
});
