import assert from "node:assert/strict";
import { test } from "node:test";

import { rememberLanguage, rememberMembership, startOf } from "../../src/listen/start.ts";
import { keptInMemory } from "../kept-in-memory.ts";

const PAGES = "https://captions.example.com/";
const GERMAN = ["de-AT", "en"];
const MEMBERSHIP = { sessionId: "calm-owl-1", passcode: "042917", targetLanguage: "es" };

function start(address: string, tab = keptInMemory(), good = keptInMemory(), tags = GERMAN) {
  return startOf(new URL(address, PAGES), tab, good, tags);
}

function keptMembership() {
  const tab = keptInMemory();
  rememberMembership(tab, MEMBERSHIP);
  return tab;
}

test("without a link the reader is asked, in the language of their browser", () => {
  assert.deepEqual(start(""), { link: {}, language: "de", joinsAtOnce: false });
});

test("a link without a language offers the browser's own", () => {
  const found = start("?session=calm-owl-1#passcode=042917");
  assert.deepEqual(found.link, { sessionId: "calm-owl-1", passcode: "042917" });
  assert.equal(found.language, "de");
  assert.equal(found.joinsAtOnce, false);
});

test("a link with a language leaves nothing to ask", () => {
  const found = start("?session=calm-owl-1&language=fr-CA");
  assert.equal(found.joinsAtOnce, true);
  assert.equal(found.language, "fr-CA");
});

test("the language of the last time is offered before the browser's", () => {
  const good = keptInMemory();
  rememberLanguage(good, "uk");
  assert.equal(start("", keptInMemory(), good).language, "uk");
  assert.equal(start("?session=s&language=ja", keptInMemory(), good).language, "ja");
});

test("a reader of a language that there is not is offered none", () => {
  assert.equal(start("", keptInMemory(), keptInMemory(), ["eo"]).language, undefined);
});

test("a reloaded page is back in its session, with its passcode", () => {
  for (const address of ["", "?session=calm-owl-1&language=es"]) {
    const found = start(address, keptMembership());
    assert.deepEqual(found.link, MEMBERSHIP);
    assert.equal(found.joinsAtOnce, true);
  }
});

test("another session's link does not get this session's passcode", () => {
  const found = start("?session=glad-fox-2&language=fr", keptMembership());
  assert.deepEqual(found.link, { sessionId: "glad-fox-2", targetLanguage: "fr" });
});

test("a session that was left is not joined again", () => {
  const tab = keptMembership();
  rememberMembership(tab, undefined);
  assert.equal(start("", tab).joinsAtOnce, false);
});

test("what is remembered may be nonsense", () => {
  for (const membership of ["{", "null", "7", '{"sessionId":7}']) {
    assert.deepEqual(start("", keptInMemory({ membership })).link, {});
  }
});
