import type { ComponentChildren, RefObject } from "preact";

import type { Following } from "./following.ts";
import { Icon } from "./icons.tsx";

interface ToEndButtonProps {
  readonly class: string;
  readonly scroller: RefObject<HTMLElement | null>;
  readonly following: Following;
  readonly onFollow: () => void;
  readonly children: ComponentChildren;
}

/** Goes to the end of what was scrolled up, which follows the speech again. */
export function ToEndButton({
  class: className,
  scroller,
  following,
  onFollow,
  children,
}: ToEndButtonProps) {
  return (
    <button
      type="button"
      class={`button ${className}`}
      onClick={() => {
        following.follow();
        scrollToEnd(scroller.current);
        scroller.current?.focus({ preventScroll: true });
        onFollow();
      }}
    >
      <Icon name="arrowDown" />
      {children}
    </button>
  );
}

export function scrollToEnd(scroller: HTMLElement | null): void {
  if (scroller !== null) scroller.scrollTop = scroller.scrollHeight;
}
