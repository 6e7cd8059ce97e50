import type { BroadcastState } from "live-sessions";
import { useEffect, useState } from "preact/hooks";

import { CloseButton } from "../look/close-button.tsx";
import { Announced, Notice, NoticeButton } from "../look/notice.tsx";
import { problemWords } from "../problems.ts";
import { words } from "../words.ts";
import type { ListenSession, ListenState } from "./listen-session.ts";
import type { WakeLockProblem } from "../look/wake-lock.ts";

interface SessionNoticesProps {
  readonly session: ListenSession;
  readonly state: ListenState;
  /** Whether the browser thinks that it has a network. */
  readonly isOnline: boolean;
  /** Why the screen may turn itself off, until the reader has read it. */
  readonly wakeLockProblem: WakeLockProblem | undefined;
  readonly onWakeLockRead: () => void;
}

/** What the session has to say beside its captions, the most important first. */
export function SessionNotices({
  session,
  state,
  isOnline,
  wakeLockProblem,
  onWakeLockRead,
}: SessionNoticesProps) {
  const { ending, connection, broadcast, isPaused, heldBack, refusal } = state;
  const said = words.listen;
  const isSpeaking = broadcast?.isPaused !== true && !isSilent(broadcast);
  // What can wait does not take room from the captions beside something else.
  const isQuiet =
    ending === undefined &&
    refusal === undefined &&
    connection.state === "connected" &&
    !isPaused &&
    isSpeaking;
  return (
    <>
      <Announced role="alert" class="notices">
        {ending?.kind === "ended" && (
          <Notice>
            <p>{said.ended.headline}</p>
            <p>
              {ending.reason === undefined
                ? said.ended.unknownReason
                : words.shared.endReasons[ending.reason]}{" "}
              {said.ended.whatRemains}
            </p>
          </Notice>
        )}
        {ending?.kind === "lost" && (
          <Notice kind="danger">
            <p>{said.lost.headline}</p>
            <p>{problemWords(ending.error, isOnline)}</p>
          </Notice>
        )}
        {refusal !== undefined && ending === undefined && (
          <Notice
            kind="danger"
            actions={
              <CloseButton
                onClick={() => {
                  session.dismissRefusal();
                }}
              />
            }
          >
            <p>{problemWords(refusal, isOnline)}</p>
          </Notice>
        )}
      </Announced>
      <Announced class="notices">
        {connection.state === "reconnecting" && (
          <Notice
            kind="warning"
            actions={
              <NoticeButton
                onClick={() => {
                  session.retryNow();
                }}
              >
                {said.reconnecting.retryNow}
              </NoticeButton>
            }
          >
            <p>{said.reconnecting.headline}</p>
            <p>{isOnline ? said.reconnecting.retrying : said.reconnecting.offline}</p>
            {isOnline && <NextTry inMilliseconds={connection.retryInMilliseconds} />}
          </Notice>
        )}
        {ending === undefined && isPaused && (
          <Notice>
            <p>{said.playbackPaused.headline}</p>
            <p>{said.playbackPaused.nothingLost}</p>
            {heldBack.length > 0 && (
              // Not announced for each caption.
              <p aria-hidden="true">{said.playbackPaused.waiting(heldBack.length)}</p>
            )}
          </Notice>
        )}
        {ending === undefined && broadcast?.isPaused === true && (
          <Notice>
            <p>{said.broadcast.paused}</p>
          </Notice>
        )}
        {ending === undefined && broadcast?.isPaused !== true && isSilent(broadcast) && (
          <Notice>
            <p>{said.broadcast.muted}</p>
          </Notice>
        )}
        {isQuiet && wakeLockProblem !== undefined && (
          <Notice actions={<CloseButton onClick={onWakeLockRead} />}>
            <p>{said.noWakeLock[wakeLockProblem]}</p>
          </Notice>
        )}
      </Announced>
    </>
  );
}

/** A volume of zero is muted, too. */
function isSilent(broadcast: BroadcastState | undefined): boolean {
  return broadcast !== undefined && (broadcast.isMuted || broadcast.volume === 0);
}

/** Counts down to the next try; a screen reader would say each second. */
function NextTry({ inMilliseconds }: { readonly inMilliseconds: number }) {
  const [left, setLeft] = useState(inMilliseconds);
  useEffect(() => {
    const at = Date.now() + inMilliseconds;
    setLeft(inMilliseconds);
    const timer = setInterval(() => {
      setLeft(at - Date.now());
    }, 250);
    return () => {
      clearInterval(timer);
    };
  }, [inMilliseconds]);
  if (left < 1000) return null;
  return (
    <p class="soft" aria-hidden="true">
      {words.listen.reconnecting.retryingIn(Math.ceil(left / 1000))}
    </p>
  );
}
