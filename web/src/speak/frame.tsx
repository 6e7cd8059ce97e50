import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { Dialog } from "../look/dialog.tsx";
import { Icon } from "../look/icons.tsx";
import { ThemeChoice } from "../look/theme-choice.tsx";
import { words } from "../words.ts";

interface FrameProps {
  /** Whoever is signed in. */
  readonly name?: string | undefined;
  /** Where signing out is possible. */
  readonly onSignOut?: (() => void) | undefined;
  readonly isWide?: boolean;
  readonly children: ComponentChildren;
}

/** What every state of the page is in: the bar at the top, and the page below it. */
export function Frame({ name, onSignOut, isWide = false, children }: FrameProps) {
  const [isChoosing, setIsChoosing] = useState(false);
  const { signIn } = words.speak;
  return (
    <div class="speak">
      <header class="speak-bar">
        <p class="speak-brand">{words.speak.product}</p>
        {name !== undefined && <p class="soft speak-user">{signIn.signedInAs(name)}</p>}
        {onSignOut !== undefined && (
          <button type="button" class="button quiet" onClick={onSignOut}>
            <Icon name="leave" />
            {signIn.signOut}
          </button>
        )}
        <button
          type="button"
          class="button quiet only-icon"
          aria-label={words.shared.theme.legend}
          onClick={() => {
            setIsChoosing(true);
          }}
        >
          <Icon name="text" />
        </button>
      </header>
      <main class={isWide ? "speak-main wide" : "speak-main"}>{children}</main>
      {isChoosing && (
        <Dialog
          title={words.speak.appearance}
          onClose={() => {
            setIsChoosing(false);
          }}
        >
          <ThemeChoice />
        </Dialog>
      )}
    </div>
  );
}
