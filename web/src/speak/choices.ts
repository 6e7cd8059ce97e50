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

const KEY = "live-sessions.choices";

/** The choices of last time, or those that suit most; each one that is unusable by now is replaced. */
export function rememberedChoices(
  storage: Storage,
  tags: readonly string[],
  usualTag: string,
): Choices {
  const kept = parsed(storage.getItem(KEY));
  const { sourceLanguage, microphoneId } = kept;
  return {
    sourceLanguage:
      typeof sourceLanguage === "string" && tags.includes(sourceLanguage)
        ? sourceLanguage
        : usualTag,
    microphoneId: typeof microphoneId === "string" ? microphoneId : undefined,
    hasPasscode: kept["hasPasscode"] === true,
    showsPartialCaptions: kept["showsPartialCaptions"] !== false,
    keepsTranscript: kept["keepsTranscript"] === true,
  };
}

export function rememberChoices(storage: Storage, choices: Choices): void {
  storage.setItem(KEY, JSON.stringify(choices));
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
