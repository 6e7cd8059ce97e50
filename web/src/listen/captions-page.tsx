import { useEffect, useState } from "preact/hooks";

import { languageName, type Language } from "../languages.ts";
import { Dialog } from "../look/dialog.tsx";
import { Icon } from "../look/icons.tsx";
import { keptForGood, keptForTab } from "../look/kept.ts";
import { LanguagePicker } from "../look/language-picker.tsx";
import { words } from "../words.ts";
import { AppearanceDialog } from "./appearance-dialog.tsx";
import { CaptionLog } from "./caption-log.tsx";
import { readCaptionSize, writeCaptionSize } from "./caption-size.ts";
import type { ListenSession, ListenState } from "./listen-session.ts";
import { SessionNotices } from "./session-notices.tsx";
import { keepScreenOn, wakeLockProblem } from "../look/wake-lock.ts";

interface CaptionsPageProps {
  readonly session: ListenSession;
  readonly state: ListenState;
  readonly languages: readonly Language[];
  readonly isOnline: boolean;
  readonly onLeave: () => void;
  readonly onRejoin: () => void;
}

const WAKE_LOCK_READ = "wakeLockRead";
const said = words.listen;

/** A session from the inside: its captions, and what the reader can do. */
export function CaptionsPage({
  session,
  state,
  languages,
  isOnline,
  onLeave,
  onRejoin,
}: CaptionsPageProps) {
  const [size, setSize] = useState(() => readCaptionSize(keptForGood));
  const [open, setOpen] = useState<"language" | "appearance" | undefined>(undefined);
  const [isWakeLockRead, setIsWakeLockRead] = useState(
    () => keptForTab.read(WAKE_LOCK_READ) !== undefined,
  );
  const { ending, session: joined, language, changingTo, isPaused, isRejoining } = state;
  const isOver = ending !== undefined;
  const connection = isOver && !isRejoining ? "closed" : state.connection.state;
  useEffect(() => (isOver ? undefined : keepScreenOn()), [isOver]);
  if (joined === undefined || language === undefined) return null;

  const close = (): void => {
    setOpen(undefined);
  };
  const named = languageName(language, words.language);
  return (
    <div class="session">
      <header class="bar">
        <div class="where">
          <h1>
            <span class="visually-hidden">{said.session}</span> {joined.sessionId}
          </h1>
          <p role="status" class={`connection is-${connection}`}>
            {said.connection[connection]}
          </p>
        </div>
        <div class="tools">
          {!isOver && (
            <button
              type="button"
              class="button quiet"
              aria-label={said.controls.changeLanguage(named)}
              title={said.controls.changeLanguage(named)}
              onClick={() => {
                setOpen("language");
              }}
            >
              <Icon name="language" />
              <span class="when-wide">
                {changingTo === undefined
                  ? named
                  : said.controls.changingLanguage(languageName(changingTo, words.language))}
              </span>
            </button>
          )}
          <button
            type="button"
            class="button quiet"
            aria-label={said.controls.appearance}
            title={said.controls.appearance}
            onClick={() => {
              setOpen("appearance");
            }}
          >
            <Icon name="text" />
          </button>
          <button type="button" class="button quiet" title={said.controls.leave} onClick={onLeave}>
            <Icon name="leave" />
            <span class="when-wide">{said.controls.leave}</span>
          </button>
        </div>
      </header>
      <main>
        <CaptionLog
          state={state}
          sizePercent={size}
          intro={
            <>
              <p>{said.intro(languageName(joined.sourceLanguage, words.language))}</p>
              {joined.isTranscriptKept && <p>{said.transcriptKept.long}</p>}
            </>
          }
        />
      </main>
      <footer class="foot">
        <SessionNotices
          session={session}
          state={state}
          isOnline={isOnline}
          wakeLockProblem={isWakeLockRead ? undefined : wakeLockProblem(window)}
          onWakeLockRead={() => {
            keptForTab.write(WAKE_LOCK_READ, "yes");
            setIsWakeLockRead(true);
          }}
        />
        <div class="foot-line">
          <p class="soft">{joined.isTranscriptKept ? said.transcriptKept.short : ""}</p>
          {ending?.kind === "lost" && (
            <button type="button" class="button primary" disabled={isRejoining} onClick={onRejoin}>
              {isRejoining ? said.join.joining : said.lost.rejoin}
            </button>
          )}
          {isOver ? (
            <button type="button" class="button" onClick={onLeave}>
              {said.ended.joinAnother}
            </button>
          ) : (
            <button
              type="button"
              class={isPaused ? "button primary" : "button"}
              onClick={() => {
                if (isPaused) session.resume();
                else session.pause();
              }}
            >
              <Icon name={isPaused ? "play" : "pause"} />
              {isPaused ? said.controls.resume : said.controls.pause}
            </button>
          )}
        </div>
      </footer>
      {open === "language" && (
        <Dialog title={said.controls.languageHeading} onClose={close}>
          <LanguagePicker
            label={said.controls.languageSearch}
            languages={languages}
            value={language}
            isAlwaysOpen
            onChoose={(tag) => {
              close();
              if (tag !== language) void session.changeLanguage(tag);
            }}
          />
        </Dialog>
      )}
      {open === "appearance" && (
        <AppearanceDialog
          size={size}
          onSize={(chosen) => {
            setSize(chosen);
            writeCaptionSize(keptForGood, chosen);
          }}
          onClose={close}
        />
      )}
    </div>
  );
}
