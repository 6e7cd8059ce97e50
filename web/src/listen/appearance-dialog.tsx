import { Dialog } from "../look/dialog.tsx";
import { ThemeChoice } from "../look/theme-choice.tsx";
import { words } from "../words.ts";
import { nextCaptionSize, type CaptionSize } from "./caption-size.ts";

interface AppearanceDialogProps {
  readonly size: CaptionSize;
  readonly onSize: (size: CaptionSize) => void;
  readonly onClose: () => void;
}

export function AppearanceDialog({ size, onSize, onClose }: AppearanceDialogProps) {
  const said = words.listen.controls;
  const step = (by: 1 | -1, label: string, letterClass: string) => {
    const next = nextCaptionSize(size, by);
    return (
      <button
        type="button"
        class={`button ${letterClass}`}
        aria-label={label}
        aria-disabled={next === undefined}
        onClick={() => {
          if (next !== undefined) onSize(next);
        }}
      >
        A
      </button>
    );
  };
  return (
    <Dialog title={said.appearance} onClose={onClose}>
      <div class="field" role="group" aria-labelledby="text-size">
        <span class="field-label" id="text-size">
          {said.size}
        </span>
        <div class="sizes">
          {step(-1, said.smaller, "small-letter")}
          <output>{said.sizeNow(size)}</output>
          {step(1, said.larger, "large-letter")}
        </div>
      </div>
      <ThemeChoice />
    </Dialog>
  );
}
