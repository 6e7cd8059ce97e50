import assert from "node:assert/strict";
import { test } from "node:test";

import { rememberChoices, rememberedChoices } from "../../src/speak/choices.ts";
import { keptInMemory } from "../kept-in-memory.ts";

const TAGS = ["de-DE", "en-US"];
const USUAL = {
  sourceLanguage: "en-US",
  microphoneId: undefined,
  hasPasscode: false,
  showsPartialCaptions: true,
  keepsTranscript: false,
};

test("the first time the choices are those that suit most", () => {
  assert.deepEqual(rememberedChoices(keptInMemory(), TAGS, "en-US"), USUAL);
});

test("the next time the choices are those of last time", () => {
  const storage = keptInMemory();
  const choices = {
    sourceLanguage: "de-DE",
    microphoneId: "headset",
    hasPasscode: true,
    showsPartialCaptions: false,
    keepsTranscript: true,
  };
  rememberChoices(storage, choices);
  assert.deepEqual(rememberedChoices(storage, TAGS, "en-US"), choices);
});

test("what cannot be used any more is replaced, whatever was kept", () => {
  for (const kept of ["", "null", "[]", "{", '{"sourceLanguage":"tlh","microphoneId":5}']) {
    const storage = keptInMemory();
    storage.write("choices", kept);
    assert.deepEqual(rememberedChoices(storage, TAGS, "en-US"), USUAL, kept);
  }
});
