import assert from "node:assert/strict";
import { test } from "node:test";

import {
  CAPTION_SIZES,
  nextCaptionSize,
  readCaptionSize,
  writeCaptionSize,
} from "../../src/listen/caption-size.ts";
import { OVERLAY_LINES, OVERLAY_PIXELS, parseOverlay } from "../../src/listen/overlay-options.ts";
import { wakeLockProblem } from "../../src/look/wake-lock.ts";
import { keptInMemory } from "../kept-in-memory.ts";

function overlay(query: string) {
  return parseOverlay(new URL(`https://captions.example.com/?${query}`));
}

test("an address without ?overlay is no overlay", () => {
  assert.equal(overlay("session=calm-owl-1&lines=3"), undefined);
});

test("an overlay has as many lines as asked, in the size asked", () => {
  assert.deepEqual(overlay("overlay&lines=3&size=60"), { lines: 3, sizePixels: 60 });
});

test("an overlay has what is usual where nothing, or nonsense, is asked", () => {
  const usual = { lines: OVERLAY_LINES.usual, sizePixels: OVERLAY_PIXELS.usual };
  assert.deepEqual(overlay("overlay"), usual);
  assert.deepEqual(overlay("overlay&lines=many&size="), usual);
});

test("an overlay keeps to what can be read", () => {
  assert.deepEqual(overlay("overlay&lines=0&size=1"), {
    lines: OVERLAY_LINES.least,
    sizePixels: OVERLAY_PIXELS.least,
  });
  assert.deepEqual(overlay("overlay&lines=9999&size=1e9"), {
    lines: OVERLAY_LINES.most,
    sizePixels: OVERLAY_PIXELS.most,
  });
});

test("the text size is remembered, and ends at both ends", () => {
  const kept = keptInMemory();
  assert.equal(readCaptionSize(kept), 100);
  for (const size of CAPTION_SIZES) {
    writeCaptionSize(kept, size);
    assert.equal(readCaptionSize(kept), size);
  }
  assert.equal(nextCaptionSize(100, 1), 125);
  assert.equal(nextCaptionSize(100, -1), 75);
  assert.equal(nextCaptionSize(CAPTION_SIZES[0], -1), undefined);
  assert.equal(nextCaptionSize(300, 1), undefined);
  assert.equal(readCaptionSize(keptInMemory({ captionSize: "huge" })), 100);
});

test("a screen is kept on where the browser can, and the page says why not", () => {
  const navigator = { wakeLock: {} };
  assert.equal(wakeLockProblem({ isSecureContext: true, navigator }), undefined);
  assert.equal(wakeLockProblem({ isSecureContext: true, navigator: {} }), "unsupported");
  assert.equal(wakeLockProblem({ isSecureContext: false, navigator: {} }), "insecure");
});
