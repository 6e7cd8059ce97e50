import { useEffect, useLayoutEffect, useState } from "preact/hooks";

import { keepScreenOn } from "../look/wake-lock.ts";
import { Dialog } from "../look/dialog.tsx";
import { Icon } from "../look/icons.tsx";
import { Announced, Notice, NoticeButton } from "../look/notice.tsx";
import { words } from "../words.ts";
import { connectionWords } from "./broadcast.ts";
import { Controls } from "./controls.tsx";
import { Elapsed } from "./elapsed.tsx";
import { Heading } from "./heading.tsx";
import { Invite } from "./invite.tsx";
import { Listeners } from "./listeners.tsx";
import type { LiveSession, Speaking } from "./speaking.ts";
import { Understood } from "./understood.tsx";

interface LiveProps {
  readonly speaking: Speaking;
  readonly session: LiveSession;
  readonly joinLink: string;
  readonly onSignIn: () => void;
}

/** During a session. */
export function Live({ speaking, session, joinLink, onSignIn }: LiveProps) {
  const { live, connection } = words.speak;
  const [isAsking, setIsAsking] = useState(false);
  useEffect(() => keepScreenOn(), []);
  // As soon as the page says that it is live, not after it is painted.
  useLayoutEffect(() => {
    const warn = (event: BeforeUnloadEvent): void => {
      event.preventDefault();
    };
    const seen = (): void => {
      if (document.visibilityState === "visible") void speaking.check();
    };
    const online = (): void => {
      speaking.retryNow();
    };
    addEventListener("beforeunload", warn);
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", online);
    return () => {
      removeEventListener("beforeunload", warn);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", online);
    };
  }, []);

  const isConnected = session.connection.state === "connected";
  return (
    <>
      <header class="live-head">
        <Heading>{live.heading}</Heading>
        <p class={`connection is-${session.connection.state}`}>
          {isConnected ? connection.connected : connection.closed}
        </p>
        <Elapsed startedAt={session.startedAt} />
        <button
          type="button"
          class="button danger"
          aria-disabled={session.isEnding}
          onClick={() => {
            if (!session.isEnding) setIsAsking(true);
          }}
        >
          <Icon name="stop" />
          {session.isEnding ? live.ending : live.end}
        </button>
      </header>
      <Announced role="alert" class="notices">
        {!isConnected && (
          <Notice
            kind="warning"
            actions={
              <NoticeButton
                onClick={() => {
                  speaking.retryNow();
                }}
              >
                {connection.retryNow}
              </NoticeButton>
            }
          >
            <p>{connectionWords(session.connection)}</p>
          </Notice>
        )}
        {session.notices.map(({ kind, text }) => (
          <Notice
            key={kind}
            kind={kind === "rateLimit" ? "warning" : "danger"}
            actions={
              kind === "signIn" ? (
                <NoticeButton onClick={onSignIn}>{words.speak.signIn.action}</NoticeButton>
              ) : (
                <button
                  type="button"
                  class="button quiet only-icon"
                  aria-label={words.speak.dismiss}
                  onClick={() => {
                    speaking.dismiss(kind);
                  }}
                >
                  <Icon name="close" />
                </button>
              )
            }
          >
            <p>{text}</p>
          </Notice>
        ))}
      </Announced>
      <div class="live-columns">
        <div class="live-column">
          <Controls speaking={speaking} session={session} />
          <Understood captions={session.captions} partial={session.partial} />
        </div>
        <div class="live-column">
          <Invite sessionId={session.sessionId} passcode={session.passcode} joinLink={joinLink} />
          <Listeners count={session.listenerCount} byLanguage={session.languageDistribution} />
          {session.expiresAt !== undefined && (
            <p class="soft">{live.endsAt(timeOf(session.expiresAt))}</p>
          )}
        </div>
      </div>
      {isAsking && (
        <Dialog
          title={live.endQuestion}
          onClose={() => {
            setIsAsking(false);
          }}
        >
          <p>{live.endHint}</p>
          <div class="buttons">
            <button
              type="button"
              class="button danger filled"
              aria-disabled={session.isEnding}
              onClick={() => {
                setIsAsking(false);
                void speaking.end();
              }}
            >
              {live.endConfirm}
            </button>
            <button
              type="button"
              class="button"
              onClick={() => {
                setIsAsking(false);
              }}
            >
              {live.endCancel}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function timeOf(milliseconds: number): string {
  return new Intl.DateTimeFormat(navigator.language, { timeStyle: "short" }).format(milliseconds);
}
