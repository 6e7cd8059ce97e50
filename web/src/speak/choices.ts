import type { Kept } from "../look/kept.ts";

/** What a speaker chose before a session; the next time it is chosen already. */
export interface Choices {
  /** A tag of `spokenLanguages`. */
  readonly sourceLanguage: string;
  /** The browser's id of a microphone; undefined: the one that the browser chooses. */
  readonly microphoneId: string | undefined;
  readonly hasPasscode: boolean;
  readonly showsPartialCaptions: boolean;
  readonly keepsTranscript: boolean;
}

const CHOICES = "choices";

/** The choices of last time, or those that suit most; each one that is unusable by now is replaced. */
export function rememberedChoices(kept: Kept, tags: readonly string[], usualTag: string): Choices {
  const found = parsed(kept.read(CHOICES));
  const { sourceLanguage, microphoneId } = found;
  return {
    sourceLanguage:
      typeof sourceLanguage === "string" && tags.includes(sourceLanguage)
        ? sourceLanguage
        : usualTag,
    microphoneId: typeof microphoneId === "string" ? microphoneId : undefined,
    hasPasscode: found["hasPasscode"] === true,
    showsPartialCaptions: found["showsPartialCaptions"] !== false,
    keepsTranscript: found["keepsTranscript"] === true,
  };
}

export function rememberChoices(kept: Kept, choices: Choices): void {
  kept.write(CHOICES, JSON.stringify(choices));
}

function parsed(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
