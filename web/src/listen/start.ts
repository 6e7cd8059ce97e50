import { TARGET_LANGUAGES, type TargetLanguage } from "live-sessions";

import { parseJoinLink, type JoinLink } from "../join-link.ts";
import { preferredLanguage } from "../languages.ts";
import type { Kept } from "../look/kept.ts";

const LANGUAGE = "language";
const MEMBERSHIP = "membership";

/** What the page begins with. */
export interface Start {
  readonly link: Partial<JoinLink>;
  /** What the reader is offered; undefined: nothing of what they read is supported. */
  readonly language: TargetLanguage | undefined;
  /** The language is settled, so that nothing is left to ask. */
  readonly joinsAtOnce: boolean;
}

/**
 * What a page begins with, by its address, what it remembers, and the languages that the reader's
 * browser prefers. A page that was reloaded goes back into its session.
 */
export function startOf(
  address: URL,
  keptForTab: Kept,
  keptForGood: Kept,
  readerTags: readonly string[],
): Start {
  const named = parseJoinLink(address);
  const before = readMembership(keptForTab);
  const isReloaded = named.sessionId === undefined || named.sessionId === before?.sessionId;
  const link = isReloaded ? { ...before, ...named } : named;
  const { sessionId, targetLanguage } = link;
  return {
    link,
    language: preferredLanguage(
      [targetLanguage, keptForGood.read(LANGUAGE), ...readerTags].filter(
        (tag) => tag !== undefined,
      ),
      TARGET_LANGUAGES,
    ),
    joinsAtOnce: sessionId !== undefined && targetLanguage !== undefined,
  };
}

/** The language is offered next time. */
export function rememberLanguage(kept: Kept, language: string): void {
  kept.write(LANGUAGE, language);
}

/** Remembers the session that this tab is in; undefined: it is in none any more. */
export function rememberMembership(kept: Kept, link: JoinLink | undefined): void {
  kept.write(MEMBERSHIP, link === undefined ? undefined : JSON.stringify(link));
}

function readMembership(kept: Kept): JoinLink | undefined {
  try {
    const found: unknown = JSON.parse(kept.read(MEMBERSHIP) ?? "null");
    if (typeof found !== "object" || found === null) return undefined;
    const { sessionId, passcode, targetLanguage } = found as Record<string, unknown>;
    if (typeof sessionId !== "string") return undefined;
    return {
      sessionId,
      ...(typeof passcode === "string" && { passcode }),
      ...(typeof targetLanguage === "string" && { targetLanguage }),
    };
  } catch {
    return undefined;
  }
}
