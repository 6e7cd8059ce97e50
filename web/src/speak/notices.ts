/** Something that a speaker should know, in words; the later one of a kind replaces the earlier. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly text: string;
}

export type NoticeKind =
  "microphone" | "signIn" | "rateLimit" | "transcription" | "audio" | "control";

export function withNotice(
  notices: readonly Notice[],
  kind: NoticeKind,
  text: string,
): readonly Notice[] {
  return [...notices.filter((notice) => notice.kind !== kind), { kind, text }];
}

export function withoutNotices(
  notices: readonly Notice[],
  kinds: readonly NoticeKind[],
): readonly Notice[] {
  const rest = notices.filter(({ kind }) => !kinds.includes(kind));
  return rest.length === notices.length ? notices : rest;
}
