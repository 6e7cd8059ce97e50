import assert from "node:assert/strict";
import { test } from "node:test";

import { CaptionFeed } from "../src/caption-feed.ts";
import { caption } from "./frames.ts";

/** A feed in Spanish, and what it showed: "7" is a final, "7 late" a late one, "~7" a partial. */
function lab(): { feed: CaptionFeed; shown: string[] } {
  const shown: string[] = [];
  const feed = new CaptionFeed("es", {
    onFinal: ({ sequence, targetLanguage }, isLate) => {
      const language = targetLanguage === "es" ? "" : ` ${targetLanguage}`;
      shown.push(`${sequence}${language}${isLate ? " late" : ""}`);
    },
    onPartial: (partial) => shown.push(partial === undefined ? "~" : `~${partial.text}`),
  });
  return { feed, shown };
}

const partial = (
  sequence: number,
  text: string,
  timestamp = sequence,
): ReturnType<typeof caption> => caption(sequence, { isPartial: true, text, timestamp });

test("finals are shown as they come, each once, without what only a frame has", () => {
  const shown: object[] = [];
  const feed = new CaptionFeed("es", {
    onFinal: (final) => shown.push(final),
    onPartial: () => assert.fail("there was no partial"),
  });
  feed.receive(caption(1));
  feed.receive(caption(1));
  const { type: _type, timestamp: _timestamp, sessionId: _sessionId, ...kept } = caption(1);
  assert.deepEqual(shown, [kept]);
});

test("a final that was overtaken is late, and not left out", () => {
  const { feed, shown } = lab();
  for (const sequence of [1, 3, 2]) feed.receive(caption(sequence));
  assert.deepEqual(shown, ["1", "3", "2 late"]);
});

test("a partial replaces the one before, and the final replaces them all", () => {
  const { feed, shown } = lab();
  feed.receive(partial(1, "ho"));
  feed.receive(partial(1, "hola"));
  feed.receive(caption(1));
  assert.deepEqual(shown, ["~ho", "~hola", "~", "1"]);
});

test("a partial that comes late never replaces a final one, nor a newer partial", () => {
  const { feed, shown } = lab();
  feed.receive(caption(2));
  feed.receive(partial(2, "late"));
  feed.receive(partial(1, "stale"));
  feed.receive(partial(4, "new", 10));
  feed.receive(partial(4, "older", 9));
  feed.receive(partial(3, "of an earlier sentence", 11));
  assert.deepEqual(shown, ["2", "~new"]);
});

test("a late final does not end the partial of a later sentence", () => {
  const { feed, shown } = lab();
  feed.receive(partial(5, "ahora"));
  feed.receive(caption(4));
  assert.deepEqual(shown, ["~ahora", "4"]);
});

test("in a gap, live captions wait for those of the history and come after them", () => {
  const { feed, shown } = lab();
  feed.answered();
  feed.receive(caption(1));
  feed.beginGap();
  feed.receive(caption(5));
  feed.receive(caption(4));
  feed.receive(partial(6, "seis"));
  assert.deepEqual(shown, ["1"]);
  assert.deepEqual(feed.questions, [1]);
  feed.receiveHistory([caption(2), caption(3), caption(4)]);
  feed.release();
  assert.deepEqual(shown, ["1", "2", "3", "4", "5", "~seis"]);
});

test("what the second question brings is shown as late, and nothing is shown twice", () => {
  const { feed, shown } = lab();
  feed.receive(caption(1));
  feed.beginGap();
  feed.receiveHistory([caption(2), caption(4)]);
  feed.release();
  feed.answered();
  feed.receiveHistory([caption(2), caption(3), caption(4), caption(5)]);
  feed.settle();
  feed.receive(caption(5));
  assert.deepEqual(shown, ["1", "2", "4", "3 late", "5"]);
});

test("a gap within a gap is asked for from the first one's beginning", () => {
  const { feed } = lab();
  feed.answered();
  feed.receive(caption(7));
  feed.beginGap();
  feed.release();
  feed.receive(caption(12));
  feed.beginGap();
  assert.deepEqual(feed.questions, [7]);
  feed.settle();
  feed.beginGap();
  assert.deepEqual(feed.questions, [12]);
});

test("the first question of all has no since; a gap after it has what came before the first caption", () => {
  const { feed } = lab();
  feed.beginGap();
  assert.deepEqual(feed.questions, [undefined]);
  feed.receiveHistory([caption(81), caption(82)]);
  feed.release();
  feed.answered();
  feed.beginGap();
  assert.deepEqual(feed.questions, [80]);
});

test("after an empty history everything that will be in it is new", () => {
  const { feed } = lab();
  feed.beginGap();
  feed.release();
  feed.answered();
  feed.beginGap();
  assert.deepEqual(feed.questions, [0]);
});

test("after live captions that came before the first answer, both that answer and what followed are asked for", () => {
  const { feed } = lab();
  feed.beginGap();
  feed.receive(caption(30));
  feed.beginGap();
  assert.deepEqual(feed.questions, [undefined, 29]);
});

test("after a change of language a caption in the old one is shown only if there is none in the new", () => {
  const { feed, shown } = lab();
  feed.receive(caption(1));
  feed.beginGap();
  feed.receive(caption(2));
  feed.changeLanguage("fr");
  feed.receive(caption(3));
  feed.receive(caption(4, { targetLanguage: "fr" }));
  feed.receiveHistory([caption(3, { targetLanguage: "fr" })]);
  feed.release();
  assert.deepEqual(shown, ["1", "3 fr", "4 fr"]);
  feed.settle();
  assert.deepEqual(shown, ["1", "3 fr", "4 fr", "2 late"]);
});

test("captions in the language that was found, before its reply, count as the listener's", () => {
  const { feed, shown } = lab();
  feed.beginGap();
  feed.receive(caption(1, { targetLanguage: "pt" }));
  feed.changeLanguage("pt");
  feed.release();
  assert.deepEqual(shown, ["1 pt"]);
});

test("a change of language ends the partial of the old one, and partials in it are dropped", () => {
  const { feed, shown } = lab();
  feed.receive(partial(1, "ho"));
  feed.changeLanguage("fr");
  feed.receive(partial(1, "hola"));
  assert.deepEqual(shown, ["~ho", "~"]);
});

test("a session that began with the sequence 0 is never asked for what came before it", () => {
  const { feed } = lab();
  feed.beginGap();
  feed.receive(caption(0));
  feed.beginGap();
  assert.deepEqual(feed.questions, [undefined, 0]);
});
