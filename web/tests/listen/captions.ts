import type { ShownCaption } from "live-sessions";

/** A translated Spanish caption of English speech, unless a test says otherwise. */
export function caption(sequence: number, changes: Partial<ShownCaption> = {}): ShownCaption {
  return {
    sequence,
    sourceLanguage: "en",
    targetLanguage: "es",
    text: `texto ${sequence}`,
    originalText: `text ${sequence}`,
    isPartial: false,
    spokenAt: sequence * 1000,
    translated: true,
    ...changes,
  };
}
