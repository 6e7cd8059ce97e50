/** Where a session is joined, and with what; the link is `<pages>/?session=…&language=…#passcode=…`. */
export interface JoinLink {
  readonly sessionId: string;
  readonly passcode?: string;
  readonly targetLanguage?: string;
}

const SESSION = "session";
const LANGUAGE = "language";
const PASSCODE = "passcode";

/** The link that joins a session; the passcode is in its fragment, which browsers send to no server. */
export function formatJoinLink(base: URL, link: JoinLink): URL {
  // Of the other page beside it, such as speak.html, too.
  const url = new URL("./", base);
  url.searchParams.set(SESSION, link.sessionId);
  if (link.targetLanguage !== undefined) url.searchParams.set(LANGUAGE, link.targetLanguage);
  if (link.passcode !== undefined) {
    url.hash = new URLSearchParams({ [PASSCODE]: link.passcode }).toString();
  }
  return url;
}

/** What a join link names; nothing of an address that is none. */
export function parseJoinLink(url: URL): Partial<JoinLink> {
  const sessionId = present(url.searchParams.get(SESSION));
  const targetLanguage = present(url.searchParams.get(LANGUAGE));
  const passcode = present(new URLSearchParams(url.hash.slice(1)).get(PASSCODE));
  return {
    ...(sessionId !== undefined && { sessionId }),
    ...(targetLanguage !== undefined && { targetLanguage }),
    ...(passcode !== undefined && { passcode }),
  };
}

/** What someone typed or pasted where a session's id belongs: the id, or a whole join link. */
export function parseSessionField(text: string): Partial<JoinLink> {
  const typed = text.trim();
  if (/^https?:\/\//i.test(typed) && URL.canParse(typed)) return parseJoinLink(new URL(typed));
  // Ids are lower case, and read aloud as words and numbers.
  const sessionId = present(typed.toLowerCase().replace(/\s+/g, "-"));
  return sessionId === undefined ? {} : { sessionId };
}

function present(value: string | null): string | undefined {
  const text = value?.trim();
  return text === undefined || text === "" ? undefined : text;
}
