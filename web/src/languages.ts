import { STANDS_FOR } from "live-sessions";

/** A language as people look for it. */
export interface Language {
  readonly tag: string;
  /** In the language of the page, such as "German". */
  readonly name: string;
  /** In the language itself, such as "Deutsch". */
  readonly ownName: string;
  /** Further names that it is found by, such as "Canadian French" and "Dari". */
  readonly otherNames: readonly string[];
}

/** Where a script makes a difference: Chinese, by `zh-Hant`. */
const LANGUAGES_BY_SCRIPT = new Set(
  Object.keys(STANDS_FOR)
    .filter((tag) => /^[a-z]+-[A-Z][a-z]{3}$/.test(tag))
    .map((tag) => tag.replace(/-.*/, "")),
);

export type Direction = "ltr" | "rtl";

const RIGHT_TO_LEFT_SCRIPTS = new Set(["Adlm", "Arab", "Hebr", "Nkoo", "Rohg", "Syrc", "Thaa"]);

/** The languages of these tags with their names, sorted by their name in the page's language. */
export function languagesOf(tags: readonly string[], pageLanguage: string): readonly Language[] {
  const order = new Intl.Collator(pageLanguage);
  return tags
    .map((tag) => ({
      tag,
      name: nameOf(tag, pageLanguage, "standard"),
      ownName: nameOf(tag, tag, "standard"),
      otherNames: [nameOf(tag, pageLanguage, "dialect"), nameOf(tag, tag, "dialect")],
    }))
    .sort((one, other) => order.compare(one.name, other.name));
}

/** A language's name in the page's language. */
export function languageName(tag: string, pageLanguage: string): string {
  return nameOf(tag, pageLanguage, "standard");
}

/**
 * The languages that someone may mean by what they typed: by tag, by name, or by the language's name
 * for itself, with or without accents. Those that begin with it come first.
 */
export function matchingLanguages(
  languages: readonly Language[],
  typed: string,
): readonly Language[] {
  const query = folded(typed);
  if (query === "") return languages;
  return languages
    .map((language) => ({ language, rank: rankOf(language, query) }))
    .filter(({ rank }) => rank < NO_MATCH)
    .sort((one, other) => one.rank - other.rank)
    .map(({ language }) => language);
}

/**
 * The first of a reader's languages that is among the supported ones, by the service's own rules:
 * subtags are dropped from the right until one is supported (RFC 4647, section 3.4), with its
 * exceptions. The service has the last word: it takes any tag.
 */
export function preferredLanguage<Tag extends string>(
  readerTags: readonly string[],
  supported: readonly Tag[],
): Tag | undefined {
  for (const readerTag of readerTags) {
    const found = supportedLanguage(readerTag, supported);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Which way a language is written. */
export function directionOf(tag: string): Direction {
  const script = localeOf(tag)?.maximize().script;
  return script !== undefined && RIGHT_TO_LEFT_SCRIPTS.has(script) ? "rtl" : "ltr";
}

function supportedLanguage<Tag extends string>(
  readerTag: string,
  supported: readonly Tag[],
): Tag | undefined {
  const locale = localeOf(readerTag);
  if (locale === undefined) return undefined;
  const { language, script, region } = locale;
  const subtags = [
    language,
    ...(script !== undefined && LANGUAGES_BY_SCRIPT.has(language) ? [script] : []),
    ...(region !== undefined ? [region] : []),
  ];
  for (; subtags.length > 0; subtags.pop()) {
    const rest = subtags.join("-");
    const meant = Object.hasOwn(STANDS_FOR, rest) ? STANDS_FOR[rest] : rest;
    const found = supported.find((tag) => tag === meant);
    if (found !== undefined) return found;
  }
  return undefined;
}

function localeOf(tag: string): Intl.Locale | undefined {
  try {
    return new Intl.Locale(tag.replaceAll("_", "-"));
  } catch {
    return undefined;
  }
}

type Display = "standard" | "dialect";

const displayNames = new Map<string, Intl.DisplayNames>();

/** "standard" is "French (Canada)", "dialect" is "Canadian French". */
function nameOf(tag: string, inLanguage: string, languageDisplay: Display): string {
  const key = `${inLanguage} ${languageDisplay}`;
  let names = displayNames.get(key);
  if (names === undefined) {
    names = new Intl.DisplayNames([inLanguage, "en"], { type: "language", languageDisplay });
    displayNames.set(key, names);
  }
  return names.of(tag) ?? tag;
}

const NO_MATCH = 4;

function rankOf({ tag, name, ownName, otherNames }: Language, query: string): number {
  if (folded(tag) === query) return 0;
  const names = [name, ownName, ...otherNames].map(folded);
  if (names.some((each) => each.startsWith(query))) return 1;
  if (names.some((each) => each.split(/[\s(]+/).some((word) => word.startsWith(query)))) return 2;
  if (folded(tag).startsWith(query) || names.some((each) => each.includes(query))) return 3;
  return NO_MATCH;
}

/** Without case, accents and surrounding space. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
