import {
  InvalidPasscodeError,
  SessionNotFoundError,
  UnsupportedLanguageError,
} from "live-sessions";
import { useEffect, useRef, useState } from "preact/hooks";

import { parseSessionField } from "../join-link.ts";
import type { Language } from "../languages.ts";
import { TextField } from "../look/field.tsx";
import { LanguagePicker } from "../look/language-picker.tsx";
import { Announced, Notice } from "../look/notice.tsx";
import { problemWords } from "../problems.ts";
import { words } from "../words.ts";
import type { JoinRequest } from "./listen-session.ts";
import type { Start } from "./start.ts";

interface JoinPageProps {
  readonly start: Start;
  readonly languages: readonly Language[];
  /** Why the last attempt failed. */
  readonly error: unknown;
  readonly isJoining: boolean;
  readonly onJoin: (request: JoinRequest) => void;
}

type FieldName = "session" | "passcode" | "language";
type Problems = Partial<Record<FieldName | "page", string>>;

const said = words.listen.join;

/** Where a reader says which session they want to read, unless a link has said it. */
export function JoinPage({ start, languages, error, isJoining, onJoin }: JoinPageProps) {
  const [session, setSession] = useState(start.link.sessionId ?? "");
  const [passcode, setPasscode] = useState(start.link.passcode ?? "");
  const [language, setLanguage] = useState<string | undefined>(start.language);
  const [isByLink, setIsByLink] = useState(start.link.sessionId !== undefined);
  const [problems, setProblems] = useState<Problems>({});
  const [needsPasscode, setNeedsPasscode] = useState(false);
  const sessionField = useRef<HTMLInputElement>(null);
  const passcodeField = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (error === undefined) return;
    const found = problemsOf(error, passcode);
    setProblems(found);
    if (found.passcode !== undefined) setNeedsPasscode(true);
    if (found.session !== undefined) setIsByLink(false);
  }, [error]);

  useEffect(() => {
    if (problems.session !== undefined) sessionField.current?.focus();
    else if (problems.passcode !== undefined) passcodeField.current?.select();
  }, [problems]);

  const typedSession = (text: string): void => {
    const pasted = parseSessionField(text);
    // A whole link says more than the id.
    const isLink = text.includes("://") && pasted.sessionId !== undefined;
    setSession(isLink ? (pasted.sessionId ?? "") : text);
    if (pasted.passcode !== undefined) setPasscode(pasted.passcode);
    if (pasted.targetLanguage !== undefined) {
      const tag = pasted.targetLanguage;
      if (languages.some((each) => each.tag === tag)) setLanguage(tag);
    }
    setProblems(text.includes("://") && !isLink ? { session: said.linkWithoutSession } : {});
  };

  const submit = (): void => {
    const { sessionId } = parseSessionField(session);
    if (sessionId === undefined) setProblems({ session: said.sessionMissing });
    else if (language === undefined) setProblems({ language: said.languageMissing });
    else {
      setProblems({});
      const digits = passcode.replace(/\s/g, "");
      onJoin({
        sessionId,
        targetLanguage: language,
        ...(digits !== "" && { passcode: digits }),
      });
    }
  };

  return (
    <main class="centred">
      <div class="card">
        <header>
          <h1>{said.heading}</h1>
          {isByLink ? <p class="session-id">{session}</p> : <p class="soft">{said.lead}</p>}
        </header>
        <Announced role="alert">
          {problems.page !== undefined && (
            <Notice kind="danger">
              <p>{problems.page}</p>
            </Notice>
          )}
        </Announced>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          {!isByLink && (
            <TextField
              label={said.session}
              hint={said.sessionHint}
              problem={problems.session}
              value={session}
              onInput={typedSession}
              inputRef={sessionField}
              input={{
                required: true,
                enterkeyhint: "next",
                placeholder: said.sessionExample,
              }}
            />
          )}
          {(!isByLink || needsPasscode) && (
            <TextField
              label={said.passcode}
              hint={needsPasscode ? undefined : said.passcodeHint}
              problem={problems.passcode}
              value={passcode}
              onInput={(text) => {
                setPasscode(text);
                setProblems({});
              }}
              inputRef={passcodeField}
              input={{ class: "digits", inputmode: "numeric", maxLength: 12 }}
            />
          )}
          <LanguagePicker
            label={said.language}
            languages={languages}
            value={language}
            problem={problems.language}
            onChoose={(tag) => {
              setLanguage(tag);
              setProblems({});
            }}
          />
          <button class="button primary wide" disabled={isJoining}>
            {isJoining && <span class="spinner" />}
            {isJoining ? said.joining : said.submit}
          </button>
          {isByLink && (
            <button
              type="button"
              class="button quiet wide"
              onClick={() => {
                setIsByLink(false);
                setSession("");
                setPasscode("");
                setProblems({});
              }}
            >
              {said.otherSession}
            </button>
          )}
        </form>
      </div>
    </main>
  );
}

/** What is wrong, at the field that can put it right. */
function problemsOf(error: unknown, passcode: string): Problems {
  if (error instanceof SessionNotFoundError) {
    return { session: problemWords(error, navigator.onLine) };
  }
  if (error instanceof InvalidPasscodeError) {
    return {
      passcode: passcode === "" ? said.passcodeMissing : problemWords(error, navigator.onLine),
    };
  }
  if (error instanceof UnsupportedLanguageError) {
    return { language: problemWords(error, navigator.onLine) };
  }
  return { page: problemWords(error, navigator.onLine) };
}
