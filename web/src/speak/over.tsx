import type { Clock, Speaker } from "live-sessions";
import { useEffect, useId, useMemo, useState } from "preact/hooks";

import { languageName } from "../languages.ts";
import { Choices } from "../look/choices.tsx";
import { Announced, Notice, NoticeButton } from "../look/notice.tsx";
import { Icon } from "../look/icons.tsx";
import { words } from "../words.ts";
import { clockDuration } from "./durations.ts";
import { Heading } from "./heading.tsx";
import type { KeptSession, SessionEnd } from "./kept-session.ts";
import {
  TRANSCRIPT_FORMATS,
  TranscriptDownloads,
  type TranscriptFormat,
} from "./transcript-downloads.ts";
import { useStore } from "./use-store.ts";

interface OverProps {
  readonly session: KeptSession;
  readonly end: SessionEnd;
  readonly speaker: Speaker;
  readonly clock: Clock;
  readonly onNew: () => void;
}

/** After a session. */
export function Over({ session, end, speaker, clock, onNew }: OverProps) {
  const { over } = words.speak;
  const languages = session.readLanguages.map((tag) => languageName(tag, words.language));
  return (
    <div class="card speak-card">
      <header>
        <Heading>{over.heading}</Heading>
        <p class="soft">
          {end.reason === undefined ? over.unknownReason : over.reasons[end.reason]}
        </p>
      </header>
      <dl class="facts summary">
        <Fact name={words.speak.join.sessionId} value={session.sessionId} />
        <Fact name={over.duration} value={clockDuration(end.at - session.startedAt)} />
        <Fact name={over.mostListeners} value={String(session.mostListeners)} />
        <Fact name={over.captions} value={String(session.captionCount)} />
        {languages.length > 0 && <Fact name={over.languages} value={languages.join(", ")} />}
      </dl>
      {session.keepsTranscript && <Transcript session={session} speaker={speaker} clock={clock} />}
      <button type="button" class="button primary wide large" onClick={onNew}>
        {over.newSession}
      </button>
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

type TranscriptProps = Pick<OverProps, "session" | "speaker" | "clock">;

function Transcript({ session, speaker, clock }: TranscriptProps) {
  const id = useId();
  const { transcript } = words.speak;
  const downloads = useMemo(
    () =>
      new TranscriptDownloads(speaker, session.sessionId, clock, download, () => navigator.onLine),
    [],
  );
  useEffect(() => {
    void downloads.waitUntilWritten();
    return () => {
      downloads.stop();
    };
  }, []);
  const state = useStore(downloads.state);
  const [language, setLanguage] = useState(session.sourceLanguage);
  const [format, setFormat] = useState<TranscriptFormat>("txt");
  const languages = [
    ...new Set([session.sourceLanguage ?? "", ...session.readLanguages].filter(Boolean)),
  ];
  return (
    <section class="transcript" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>{transcript.heading}</h2>
      {state.stage === "ready" && (
        <>
          <div class="field">
            <label for={`${id}-language`}>{transcript.language}</label>
            <div class="picker">
              <select
                id={`${id}-language`}
                class="input"
                value={language}
                onChange={(event) => {
                  setLanguage(event.currentTarget.value);
                }}
              >
                {languages.map((tag) => (
                  <option key={tag} value={tag}>
                    {languageName(tag, words.language)}
                  </option>
                ))}
              </select>
              <Icon name="chevron" />
            </div>
          </div>
          <Choices
            legend={transcript.format}
            values={TRANSCRIPT_FORMATS}
            chosen={format}
            words={transcript.formats}
            onChoose={setFormat}
          />
          <button
            type="button"
            class="button"
            onClick={() => {
              void downloads.download(language, format);
            }}
          >
            {transcript.download}
          </button>
        </>
      )}
      <Announced>
        {state.stage === "waiting" && (
          <p class="busy">
            <span class="spinner" aria-hidden="true" />
            {transcript.waiting}
          </p>
        )}
        {state.stage === "late" && (
          <Notice
            kind="warning"
            actions={
              <NoticeButton
                onClick={() => {
                  void downloads.waitUntilWritten();
                }}
              >
                {transcript.askAgain}
              </NoticeButton>
            }
          >
            <p>{state.problem}</p>
          </Notice>
        )}
        {state.stage === "ready" && state.download.state === "preparing" && (
          <p class="soft">{transcript.preparing}</p>
        )}
        {state.stage === "ready" && state.download.state === "started" && (
          <p class="soft">{transcript.started}</p>
        )}
        {state.stage === "ready" && state.download.state === "failed" && (
          <Notice kind="danger">
            <p>{state.download.problem}</p>
          </Notice>
        )}
      </Announced>
    </section>
  );
}

/** The link's answer is an attachment, so the page stays. */
function download(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.rel = "noreferrer";
  link.click();
}
