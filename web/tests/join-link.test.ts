import assert from "node:assert/strict";
import { test } from "node:test";

import { formatJoinLink, parseJoinLink, parseSessionField } from "../src/join-link.ts";

const PAGES = new URL("https://captions.example.com/pages/");

test("a join link comes back as it was", () => {
  const link = { sessionId: "golden-river-482-917", targetLanguage: "pt-PT", passcode: "042917" };
  const url = formatJoinLink(PAGES, link);
  assert.equal(
    url.href,
    "https://captions.example.com/pages/?session=golden-river-482-917&language=pt-PT#passcode=042917",
  );
  assert.deepEqual(parseJoinLink(url), link);
});

test("a link without language and passcode has neither", () => {
  const url = formatJoinLink(PAGES, { sessionId: "calm-owl-1" });
  assert.equal(url.href, "https://captions.example.com/pages/?session=calm-owl-1");
  assert.deepEqual(parseJoinLink(url), { sessionId: "calm-owl-1" });
});

test("the passcode is in the fragment alone", () => {
  const url = formatJoinLink(PAGES, { sessionId: "calm-owl-1", passcode: "042917" });
  assert.equal((url.origin + url.pathname + url.search).includes("042917"), false);
});

test("a passcode in the query is not read", () => {
  const url = new URL("?session=calm-owl-1&passcode=042917", PAGES);
  assert.deepEqual(parseJoinLink(url), { sessionId: "calm-owl-1" });
});

test("the speaker page's address leads to the listener page, without its own parameters", () => {
  const speaking = new URL("speak.html?code=secret&state=x#y", PAGES);
  const url = formatJoinLink(speaking, { sessionId: "calm-owl-1" });
  assert.equal(url.href, "https://captions.example.com/pages/?session=calm-owl-1");
});

test("an address that is no join link names nothing", () => {
  assert.deepEqual(parseJoinLink(PAGES), {});
  assert.deepEqual(parseJoinLink(new URL("?session=%20&language=#passcode=", PAGES)), {});
});

test("a whole link that is pasted where the id belongs is understood", () => {
  const pasted = " https://captions.example.com/?session=calm-owl-1&language=es#passcode=042917\n";
  assert.deepEqual(parseSessionField(pasted), {
    sessionId: "calm-owl-1",
    targetLanguage: "es",
    passcode: "042917",
  });
});

test("an id is understood as people type it", () => {
  assert.deepEqual(parseSessionField(" Golden River 482 917 "), {
    sessionId: "golden-river-482-917",
  });
});

test("nothing typed is no session, and another page's link neither", () => {
  assert.deepEqual(parseSessionField("  "), {});
  assert.deepEqual(parseSessionField("https://example.com/"), {});
});
