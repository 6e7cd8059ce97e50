import { ACCENTS, SOURCE_LANGUAGES } from "live-sessions";

import { preferredLanguage, type Language } from "../languages.ts";
import { words } from "../words.ts";

const FALLBACK_TAG = "en-US";
const CANTONESE_LOCALE = "zh-HK";
/** Cantonese is an accent of both kinds of Chinese, which differ in how it is written. */
const CANTONESE_TAGS: Readonly<Record<string, string>> = { zh: "yue-Hans", "zh-TW": "yue-Hant" };

/**
 * What can be spoken: each language with one accent by the language, and otherwise each of its
 * accents; sorted by name, but for the accents of a language, whose usual one comes first.
 */
export function spokenLanguages(pageLanguage: string): readonly Language[] {
  const order = new Intl.Collator(pageLanguage);
  return Object.entries<readonly string[]>(ACCENTS)
    .map(([code, locales]) => ({
      name: nameOf(code, pageLanguage),
      languages: locales.map((locale) => languageOf(code, locale, locales.length, pageLanguage)),
    }))
    .sort((one, other) => order.compare(one.name, other.name))
    .flatMap(({ languages }) => languages);
}

/** What a person probably speaks, by the languages that they read: one of those tags. */
export function usualSpokenTag(
  languages: readonly Language[],
  readerTags: readonly string[],
): string {
  const accent = readerTags.find((readerTag) => languages.some(({ tag }) => tag === readerTag));
  const code = preferredLanguage(readerTags.slice(0, 1), SOURCE_LANGUAGES);
  if (code === undefined) return accent ?? FALLBACK_TAG;
  if (accent !== undefined && preferredLanguage([accent], SOURCE_LANGUAGES) === code) return accent;
  return tagOf(code, ACCENTS[code][0], ACCENTS[code].length);
}

function languageOf(code: string, locale: string, accents: number, pageLanguage: string): Language {
  const tag = tagOf(code, locale, accents);
  return {
    tag,
    name: words.speak.accents[tag] ?? nameOf(tag, pageLanguage),
    ownName: nameOf(code, code),
    otherNames: [nameOf(tag, pageLanguage, "dialect")],
  };
}

function tagOf(code: string, locale: string, accents: number): string {
  if (accents === 1) return code;
  return locale === CANTONESE_LOCALE ? (CANTONESE_TAGS[code] ?? locale) : locale;
}

/** "standard" is "English (United Kingdom)", and "dialect" is "British English". */
function nameOf(
  tag: string,
  pageLanguage: string,
  languageDisplay: "standard" | "dialect" = "standard",
): string {
  const names = new Intl.DisplayNames([pageLanguage, "en"], { type: "language", languageDisplay });
  return names.of(tag) ?? tag;
}
