import type { ComponentChildren } from "preact";

import { Icon } from "./icons.tsx";

export type NoticeKind = "info" | "warning" | "danger";

interface NoticeProps {
  readonly kind?: NoticeKind;
  /** The first of its paragraphs is its headline if there are several. */
  readonly children: ComponentChildren;
  /** Buttons that help. */
  readonly actions?: ComponentChildren;
}

/**
 * What the page has to say. Put it into a `<Announced>` that was there before, so that a screen
 * reader says it, too.
 */
export function Notice({ kind = "info", children, actions }: NoticeProps) {
  return (
    <div class={`notice ${kind}`}>
      <Icon name={kind === "info" ? "info" : "alert"} />
      <div class="notice-text">{children}</div>
      {actions}
    </div>
  );
}

interface NoticeButtonProps {
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

/** What the reader of a notice can do. */
export function NoticeButton({ onClick, children }: NoticeButtonProps) {
  return (
    <button type="button" class="button" onClick={onClick}>
      {children}
    </button>
  );
}

interface AnnouncedProps {
  /** "alert" interrupts what is being read; for what cannot wait. */
  readonly role?: "status" | "alert";
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** Whatever comes into it is announced. It has to be on the page while it is empty. */
export function Announced({ role = "status", class: className, children }: AnnouncedProps) {
  return (
    <div role={role} class={className}>
      {children}
    </div>
  );
}
