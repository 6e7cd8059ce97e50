import assert from "node:assert/strict";
import { test } from "node:test";

import { SOURCE_LANGUAGES, TARGET_LANGUAGES } from "live-sessions";

import {
  directionOf,
  languagesOf,
  matchingLanguages,
  preferredLanguage,
} from "../src/languages.ts";

const LANGUAGES = languagesOf(TARGET_LANGUAGES, "en");

function found(typed: string): string[] {
  return matchingLanguages(LANGUAGES, typed).map(({ tag }) => tag);
}

test("every language has a name that is not its tag, and none has another's", () => {
  assert.equal(LANGUAGES.length, TARGET_LANGUAGES.length);
  for (const { tag, name, ownName } of LANGUAGES) {
    assert.notEqual(name, tag);
    assert.notEqual(ownName, "");
  }
  assert.equal(new Set(LANGUAGES.map(({ name }) => name)).size, LANGUAGES.length);
});

test("languages are in the order of their names", () => {
  assert.equal(LANGUAGES[0]?.name, "Afrikaans");
  assert.equal(languagesOf(["de", "en", "fr"], "de").at(-1)?.name, "Französisch");
});

test("a language is found by its name, by its own name, and by its tag", () => {
  assert.deepEqual(found("german"), ["de"]);
  assert.deepEqual(found("Deutsch"), ["de"]);
  assert.deepEqual(found("日本"), ["ja"]);
  assert.equal(found("de")[0], "de");
  assert.deepEqual(found("fa-AF"), ["fa-AF"]);
});

test("accents and case do not matter", () => {
  assert.deepEqual(found("ESPANOL"), ["es", "es-MX"]);
  assert.deepEqual(found("tieng viet"), ["vi"]);
});

test("what is inside the parentheses of a name is found as well", () => {
  assert.deepEqual(found("canada"), ["fr-CA"]);
});

test("a variety is found by its name as a dialect, too", () => {
  assert.deepEqual(found("dari"), ["fa-AF"]);
  assert.deepEqual(found("mexican sp"), ["es-MX"]);
});

test("nothing typed finds everything, and nonsense nothing", () => {
  assert.equal(matchingLanguages(LANGUAGES, "  "), LANGUAGES);
  assert.deepEqual(found("qqqq"), []);
});

test("the reader's first language that there is, is preferred", () => {
  assert.equal(preferredLanguage(["tlh", "de-AT", "en"], TARGET_LANGUAGES), "de");
  assert.equal(preferredLanguage(["tlh", "eo"], TARGET_LANGUAGES), undefined);
  assert.equal(preferredLanguage([], TARGET_LANGUAGES), undefined);
});

test("the service's exceptions hold for the reader's language", () => {
  const pairs = [
    ["zh-Hant-HK", "zh-TW"],
    ["zh-HK", "zh-TW"],
    ["zh-CN", "zh"],
    ["es-AR", "es-MX"],
    ["es-419", "es-MX"],
    ["es-ES", "es"],
    ["pt-BR", "pt"],
    ["pt-AO", "pt-PT"],
    ["nb-NO", "no"],
    ["fil-PH", "tl"],
    ["en_US", "en"],
    ["iw", "he"],
  ] as const;
  for (const [tag, expected] of pairs) {
    assert.equal(preferredLanguage([tag], TARGET_LANGUAGES), expected, tag);
  }
});

test("a tag that is malformed is passed over", () => {
  assert.equal(preferredLanguage(["", "e", "en--US", "fr"], TARGET_LANGUAGES), "fr");
});

test("every supported language is its own preference", () => {
  for (const tag of TARGET_LANGUAGES) assert.equal(preferredLanguage([tag], TARGET_LANGUAGES), tag);
  for (const tag of SOURCE_LANGUAGES) assert.equal(preferredLanguage([tag], SOURCE_LANGUAGES), tag);
});

test("Arabic, Persian, Hebrew, Pashto and Urdu are written from right to left, others are not", () => {
  const fromTheRight = TARGET_LANGUAGES.filter((tag) => directionOf(tag) === "rtl");
  assert.deepEqual(fromTheRight, ["ar", "fa", "fa-AF", "he", "ps", "ur"]);
  assert.equal(directionOf("en--US"), "ltr");
});
