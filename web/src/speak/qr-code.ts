import { encode } from "uqr";

/** The quiet zone that readers need around a code, in modules: ISO/IEC 18004. */
const BORDER_MODULES = 4;

export interface QrCode {
  /** The width and height, quiet zone included, in modules. */
  readonly size: number;
  /** The dark modules as the `d` of an SVG path. */
  readonly path: string;
}

/** The QR code of a text. */
export function qrCodeOf(text: string): QrCode {
  const { data, size } = encode(text, { ecc: "M", border: BORDER_MODULES });
  const path = data.flatMap((row, y) => runsOf(row).map(({ x, width }) => rectangle(x, y, width)));
  return { size, path: path.join("") };
}

function rectangle(x: number, y: number, width: number): string {
  return `M${x} ${y}h${width}v1h-${width}z`;
}

/** Each row's dark modules that touch are one shape: between shapes, browsers may draw a hairline. */
function runsOf(row: readonly boolean[]): { x: number; width: number }[] {
  const runs: { x: number; width: number }[] = [];
  row.forEach((isDark, x) => {
    const last = runs.at(-1);
    if (!isDark) return;
    if (last !== undefined && last.x + last.width === x) last.width += 1;
    else runs.push({ x, width: 1 });
  });
  return runs;
}
