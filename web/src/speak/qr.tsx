import { useMemo } from "preact/hooks";

import { qrCodeOf } from "./qr-code.ts";

/** A QR code: dark on white in every theme, since some readers need it so. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  const { size, path } = useMemo(() => qrCodeOf(text), [text]);
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
}
