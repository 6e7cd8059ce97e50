import type { Kept } from "../look/kept.ts";

/** The reader's text sizes, in percent of the usual one. */
export const CAPTION_SIZES = [60, 75, 100, 125, 150, 200, 250, 300] as const;

export type CaptionSize = (typeof CAPTION_SIZES)[number];

const USUAL: CaptionSize = 100;
const SIZE = "captionSize";

export function readCaptionSize(kept: Kept): CaptionSize {
  const found = Number(kept.read(SIZE));
  return CAPTION_SIZES.find((size) => size === found) ?? USUAL;
}

export function writeCaptionSize(kept: Kept, size: CaptionSize): void {
  kept.write(SIZE, size === USUAL ? undefined : String(size));
}

/** The next larger size (1) or smaller one (-1); undefined: this is the last one. */
export function nextCaptionSize(size: CaptionSize, step: 1 | -1): CaptionSize | undefined {
  return CAPTION_SIZES[CAPTION_SIZES.indexOf(size) + step];
}
