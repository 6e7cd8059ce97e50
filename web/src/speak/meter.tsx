import { words } from "../words.ts";
import type { Loudness, MeterReading } from "./level.ts";
import type { Store } from "./store.ts";
import { useStore } from "./use-store.ts";

interface MeterProps {
  readonly meter: Store<MeterReading>;
  /** What to say about the last seconds; undefined: nothing. */
  readonly loudness: Loudness | undefined;
}

/** How loud the microphone is. */
export function Meter({ meter, loudness }: MeterProps) {
  const reading = useStore(meter);
  const { level } = words.speak;
  const percent = Math.round(reading.fraction * 100);
  return (
    <div class="level">
      <div
        class={`meter is-${reading.loudness}`}
        role="meter"
        aria-label={level.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={level.value(percent)}
      >
        <div class="meter-bar" style={{ transform: `scaleX(${reading.fraction})` }} />
      </div>
      <p class="level-words" role="status">
        {loudness === undefined ? "" : level[loudness]}
      </p>
    </div>
  );
}
