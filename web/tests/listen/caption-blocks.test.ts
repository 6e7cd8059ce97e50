import assert from "node:assert/strict";
import { test } from "node:test";

import {
  CAPTIONS_PER_BLOCK,
  lastCaptions,
  withCaption,
  type CaptionBlock,
} from "../../src/listen/caption-blocks.ts";
import { caption } from "./captions.ts";

function blocksOf(sequences: Iterable<number>): readonly CaptionBlock[] {
  let blocks: readonly CaptionBlock[] = [];
  for (const sequence of sequences) blocks = withCaption(blocks, caption(sequence));
  return blocks;
}

function sequencesOf(blocks: readonly CaptionBlock[]): number[] {
  return blocks.flatMap(({ captions }) => captions.map(({ sequence }) => sequence));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

test("captions are in the order of their sequence, whenever they come", () => {
  const sequences = range(1, 3 * CAPTIONS_PER_BLOCK);
  for (const late of [1, CAPTIONS_PER_BLOCK, CAPTIONS_PER_BLOCK + 1, 2 * CAPTIONS_PER_BLOCK]) {
    const blocks = blocksOf([...sequences.filter((each) => each !== late), late]);
    assert.deepEqual(sequencesOf(blocks), sequences);
  }
  assert.deepEqual(sequencesOf(blocksOf([...sequences].reverse())), sequences);
});

test("a new caption leaves every block but the last as it is", () => {
  const before = blocksOf(range(1, 2 * CAPTIONS_PER_BLOCK + 3));
  const after = withCaption(before, caption(1000));
  assert.equal(after.length, 3);
  assert.equal(after[0], before[0]);
  assert.equal(after[1], before[1]);
  assert.notEqual(after[2], before[2]);
});

test("a full last block begins another one", () => {
  const blocks = blocksOf(range(1, CAPTIONS_PER_BLOCK + 1));
  assert.deepEqual(
    blocks.map(({ captions }) => captions.length),
    [CAPTIONS_PER_BLOCK, 1],
  );
});

test("a late caption changes its own block alone, and no block loses its id", () => {
  const before = blocksOf(range(1, 2 * CAPTIONS_PER_BLOCK).filter((each) => each !== 10));
  const after = withCaption(before, caption(10));
  assert.equal(after[1], before[1]);
  assert.equal(after[0]?.id, before[0]?.id);
  assert.equal(new Set(after.map(({ id }) => id)).size, after.length);
});

test("the last captions are found over several blocks", () => {
  const blocks = blocksOf(range(1, CAPTIONS_PER_BLOCK + 1));
  const last = (count: number) => lastCaptions(blocks, count).map(({ sequence }) => sequence);
  assert.deepEqual(last(1), [CAPTIONS_PER_BLOCK + 1]);
  assert.deepEqual(last(3), range(CAPTIONS_PER_BLOCK - 1, CAPTIONS_PER_BLOCK + 1));
  assert.equal(last(1000).length, CAPTIONS_PER_BLOCK + 1);
  assert.deepEqual(lastCaptions([], 3), []);
});
