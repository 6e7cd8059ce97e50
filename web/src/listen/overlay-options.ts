/** How captions lie over a picture: `?overlay&lines=2&size=48`. */
export interface OverlayOptions {
  /** How many lines are shown at most. */
  readonly lines: number;
  /** The font size, in CSS pixels. */
  readonly sizePixels: number;
}

export const OVERLAY_LINES = { least: 1, usual: 2, most: 20 } as const;
export const OVERLAY_PIXELS = { least: 12, usual: 48, most: 400 } as const;

/** The options of an overlay's address; undefined: it is not one. */
export function parseOverlay(address: URL): OverlayOptions | undefined {
  const parameters = address.searchParams;
  if (!parameters.has("overlay")) return undefined;
  return {
    lines: Math.round(within(OVERLAY_LINES, parameters.get("lines"))),
    sizePixels: within(OVERLAY_PIXELS, parameters.get("size")),
  };
}

function within(
  { least, usual, most }: { readonly least: number; readonly usual: number; readonly most: number },
  text: string | null,
): number {
  const number = Number.parseFloat(text ?? "");
  return Number.isNaN(number) ? usual : Math.min(Math.max(number, least), most);
}
