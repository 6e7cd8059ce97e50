import type { ShownCaption } from "live-sessions";

/**
 * Captions that are laid out together. A session of four hours has thousands of captions: a new one
 * changes the last block alone, and browsers do no work for blocks that are out of sight.
 */
export interface CaptionBlock {
  readonly id: number;
  /** In ascending order of their sequence; never empty. */
  readonly captions: readonly ShownCaption[];
}

export const CAPTIONS_PER_BLOCK = 50;

/** The blocks with one more caption in its place; the others are the same objects as before. */
export function withCaption(
  blocks: readonly CaptionBlock[],
  caption: ShownCaption,
): readonly CaptionBlock[] {
  const at = Math.max(
    blocks.findLastIndex(
      ({ captions: [first] }) => first !== undefined && isBefore(first, caption),
    ),
    0,
  );
  const block = blocks[at];
  if (block === undefined) return [{ id: 0, captions: [caption] }];
  const last = block.captions.at(-1);
  const isLast = at === blocks.length - 1 && last !== undefined && isBefore(last, caption);
  if (isLast && block.captions.length >= CAPTIONS_PER_BLOCK) {
    return [...blocks, { id: block.id + 1, captions: [caption] }];
  }
  const before = block.captions.findLastIndex((each) => isBefore(each, caption)) + 1;
  return blocks.with(at, { ...block, captions: block.captions.toSpliced(before, 0, caption) });
}

/** The last captions, the oldest first. */
export function lastCaptions(
  blocks: readonly CaptionBlock[],
  count: number,
): readonly ShownCaption[] {
  const found: ShownCaption[] = [];
  for (let at = blocks.length - 1; at >= 0 && found.length < count; at -= 1) {
    found.unshift(...(blocks[at]?.captions.slice(-(count - found.length)) ?? []));
  }
  return found;
}

function isBefore(one: ShownCaption, other: ShownCaption): boolean {
  return one.sequence < other.sequence;
}
