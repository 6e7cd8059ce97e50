import { useEffect, useState } from "preact/hooks";

import { words } from "../words.ts";
import { clockDuration } from "./durations.ts";

/** The time since then, in epoch milliseconds. */
export function Elapsed({ startedAt }: { readonly startedAt: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <p class="elapsed" role="timer" aria-label={words.speak.live.elapsed}>
      {clockDuration(now - startedAt)}
    </p>
  );
}
