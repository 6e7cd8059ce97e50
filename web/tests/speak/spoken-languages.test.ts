import assert from "node:assert/strict";
import { test } from "node:test";

import { ACCENTS } from "live-sessions";

import { matchingLanguages } from "../../src/languages.ts";
import { spokenLanguages, usualSpokenTag } from "../../src/speak/spoken-languages.ts";

const LANGUAGES = spokenLanguages("en");

function named(tag: string): string {
  return LANGUAGES.find((language) => language.tag === tag)?.name ?? "";
}

test("every accent of every language can be chosen, by a tag and a name of its own", () => {
  const count = Object.values(ACCENTS).reduce((sum, accents) => sum + accents.length, 0);
  assert.equal(LANGUAGES.length, count);
  assert.equal(new Set(LANGUAGES.map(({ tag }) => tag)).size, count);
  assert.equal(new Set(LANGUAGES.map(({ name }) => name)).size, count);
});

test("a language with one accent is named without it", () => {
  assert.equal(named("it"), "Italian");
  assert.equal(named("en-GB"), "English (United Kingdom)");
  assert.equal(named("en-AB"), "English (Scotland)");
  assert.match(named("yue-Hant"), /^Cantonese/);
});

test("languages are sorted by name, and the usual accent comes first", () => {
  const tags = LANGUAGES.map(({ tag }) => tag);
  assert.ok(tags.indexOf("de-DE") < tags.indexOf("de-CH"));
  assert.ok(tags.indexOf("af") < tags.indexOf("en-US"));
  assert.ok(tags.indexOf("en-US") < tags.indexOf("en-AU"));
});

test("accents are found as people call them", () => {
  const found = (typed: string): (string | undefined)[] =>
    matchingLanguages(LANGUAGES, typed).map(({ tag }) => tag);
  assert.ok(found("british").includes("en-GB"));
  assert.ok(found("Deutsch").includes("de-CH"));
});

test("what is spoken is probably what is read, with the reader's accent where there is one", () => {
  assert.equal(usualSpokenTag(LANGUAGES, ["en-GB", "de"]), "en-GB");
  assert.equal(usualSpokenTag(LANGUAGES, ["de-AT"]), "de-DE");
  assert.equal(usualSpokenTag(LANGUAGES, ["de", "de-CH"]), "de-CH");
  assert.equal(usualSpokenTag(LANGUAGES, ["fr-BE"]), "fr");
  assert.equal(usualSpokenTag(LANGUAGES, ["es-AR"]), "es-MX");
  assert.equal(usualSpokenTag(LANGUAGES, ["it", "en-GB"]), "it");
  assert.equal(usualSpokenTag(LANGUAGES, ["tlh"]), "en-US");
  assert.equal(usualSpokenTag(LANGUAGES, []), "en-US");
});
