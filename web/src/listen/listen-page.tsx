import { TARGET_LANGUAGES, isTransient } from "live-sessions";
import { useEffect, useReducer, useState } from "preact/hooks";

import { formatJoinLink, parseJoinLink } from "../join-link.ts";
import { languagesOf } from "../languages.ts";
import { keptForGood, keptForTab } from "../look/kept.ts";
import { words } from "../words.ts";
import { CaptionsPage } from "./captions-page.tsx";
import { JoinPage } from "./join-page.tsx";
import type { JoinRequest, ListenSession, ListenState } from "./listen-session.ts";
import { Overlay } from "./overlay.tsx";
import { joinPatiently } from "./overlay-joining.ts";
import type { OverlayOptions } from "./overlay-options.ts";
import { rememberLanguage, rememberMembership, startOf, type Start } from "./start.ts";

const LANGUAGES = languagesOf(TARGET_LANGUAGES, words.language);
const RETRY_WAIT = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

interface ListenPageProps {
  readonly session: ListenSession;
  readonly overlay: OverlayOptions | undefined;
}

export function ListenPage({ session, overlay }: ListenPageProps) {
  const state = useStateOf(session);
  const isOnline = useIsOnline();
  const [start, setStart] = useState(currentStart);
  const [joins, countJoin] = useReducer((count: number) => count + 1, 0);
  const request = requestOf(start);

  useEffect(() => {
    if (overlay !== undefined && request !== undefined) {
      void joinPatiently(session, request, RETRY_WAIT);
    } else if (overlay === undefined && start.joinsAtOnce && request !== undefined) {
      void session.join(request);
    }
  }, []);
  useEffect(() => {
    if (isOnline) session.retryNow();
  }, [isOnline]);
  useEffect(() => {
    if (overlay === undefined) rememberWhereItIs(state);
    document.title = titleOf(state);
  }, [state.phase, state.language, state.ending, state.joinError]);
  // A phone that was asleep did not try while nobody looked.
  useEffect(() => {
    const stop = new AbortController();
    const seen = (): void => {
      if (document.visibilityState === "visible") session.retryNow();
    };
    document.addEventListener("visibilitychange", seen, stop);
    return () => {
      stop.abort();
    };
  }, [session]);
  // A link that differs in its passcode alone does not load the page.
  useEffect(() => {
    const stop = new AbortController();
    addEventListener(
      "hashchange",
      () => {
        location.reload();
      },
      stop,
    );
    return () => {
      stop.abort();
    };
  }, []);

  if (overlay !== undefined) {
    return (
      <Overlay
        state={state}
        options={overlay}
        hasSession={request !== undefined}
        isOnline={isOnline}
      />
    );
  }
  const join = (wanted: JoinRequest): void => {
    void session.join(wanted);
  };
  if (state.phase === "inside") {
    return (
      <CaptionsPage
        session={session}
        state={state}
        languages={LANGUAGES}
        isOnline={isOnline}
        onLeave={() => {
          session.leave();
          rememberMembership(keptForTab, undefined);
          history.replaceState(null, "", new URL("./", location.href));
          setStart(currentStart());
          // Another form, without what was entered before.
          countJoin(0);
        }}
        onRejoin={() => {
          void session.rejoin();
        }}
      />
    );
  }
  if (start.joinsAtOnce && state.joinError === undefined) return <Joining />;
  return (
    <JoinPage
      key={joins}
      start={start}
      languages={LANGUAGES}
      error={state.joinError}
      isJoining={state.phase === "joining"}
      onJoin={(wanted) => {
        rememberLanguage(keptForGood, wanted.targetLanguage);
        join(wanted);
      }}
    />
  );
}

/** A link that leaves nothing to ask, or a page that was reloaded. */
function Joining() {
  return (
    <main class="centred">
      <h1>{words.listen.title}</h1>
      <p class="busy" role="status">
        <span class="spinner" />
        {words.listen.join.joining}
      </p>
    </main>
  );
}

function currentStart(): Start {
  return startOf(new URL(location.href), keptForTab, keptForGood, navigator.languages);
}

/** What a link or a reloaded page asks for, in the language that the reader probably wants. */
function requestOf({ link, language }: Start): JoinRequest | undefined {
  const targetLanguage = link.targetLanguage ?? language;
  const { sessionId } = link;
  if (sessionId === undefined || targetLanguage === undefined) return undefined;
  return { ...link, sessionId, targetLanguage };
}

/** So that a page that is reloaded, or sent to someone else, is in the same session. */
function rememberWhereItIs({ phase, request, language, ending, joinError }: ListenState): void {
  const isRefused = joinError !== undefined && !isTransient(joinError);
  if (ending !== undefined || isRefused) {
    rememberMembership(keptForTab, undefined);
    return;
  }
  if (phase !== "inside" || language === undefined || request === undefined) return;
  rememberMembership(keptForTab, { ...request, targetLanguage: language });
  // Only an address that has brought the passcode keeps it; one that was typed stays out of it.
  const here = new URL(location.href);
  const { passcode } = parseJoinLink(here);
  const link = {
    sessionId: request.sessionId,
    targetLanguage: language,
    ...(passcode !== undefined && { passcode }),
  };
  history.replaceState(null, "", formatJoinLink(here, link));
}

function titleOf({ phase, session, ending }: ListenState): string {
  if (phase !== "inside" || session === undefined) return words.listen.title;
  return ending === undefined
    ? words.listen.pageTitle(session.sessionId)
    : words.listen.pageTitleEnded(session.sessionId);
}

function useStateOf(session: ListenSession): ListenState {
  const [state, setState] = useState(session.state);
  useEffect(
    () =>
      session.subscribe(() => {
        setState(session.state);
      }),
    [session],
  );
  return state;
}

function useIsOnline(): boolean {
  const [isOnline, setIsOnline] = useState(navigator.onLine);
  useEffect(() => {
    const changed = (): void => {
      setIsOnline(navigator.onLine);
    };
    const stop = new AbortController();
    addEventListener("online", changed, stop);
    addEventListener("offline", changed, stop);
    return () => {
      stop.abort();
    };
  }, []);
  return isOnline;
}
