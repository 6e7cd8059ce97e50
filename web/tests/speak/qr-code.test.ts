import assert from "node:assert/strict";
import { test } from "node:test";

import { encode } from "uqr";

import { qrCodeOf } from "../../src/speak/qr-code.ts";

const LINK = "https://pages.example/?session=golden-river-482-917#passcode=123456";

test("the path has every dark module and no other, inside a quiet zone of four", () => {
  const { size, path } = qrCodeOf(LINK);
  const dark = new Set<string>();
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let module = 0; module < Number(width); module += 1) {
      dark.add(`${Number(x) + module},${Number(y)}`);
    }
  }
  const { data } = encode(LINK, { ecc: "M", border: 0 });
  const wanted = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`${x + 4},${y + 4}`] : [])),
  );
  assert.equal(size, data.length + 8);
  assert.deepEqual(dark, new Set(wanted));
});
