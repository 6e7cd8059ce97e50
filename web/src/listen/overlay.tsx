import { problemWords } from "../problems.ts";
import { words } from "../words.ts";
import { lastCaptions } from "./caption-blocks.ts";
import { Caption } from "./caption-view.tsx";
import type { ListenState } from "./listen-session.ts";
import type { OverlayOptions } from "./overlay-options.ts";

interface OverlayProps {
  readonly state: ListenState;
  readonly options: OverlayOptions;
  readonly hasSession: boolean;
  readonly isOnline: boolean;
}

/** The last lines alone, on a transparent ground. */
export function Overlay({ state, options, hasSession, isOnline }: OverlayProps) {
  const note = noteOf(state, hasSession, isOnline);
  return (
    <main
      class="overlay"
      aria-label={words.listen.captions}
      style={{
        "--overlay-size": `${options.sizePixels}px`,
        "--overlay-lines": `${options.lines}`,
      }}
    >
      <h1 class="visually-hidden">{words.listen.title}</h1>
      {/* Whoever listens to captions has the page itself. */}
      <div class="overlay-lines" role="log" aria-live="off" aria-label={words.listen.captions}>
        {lastCaptions(state.blocks, options.lines).map((caption) => (
          <Caption key={caption.sequence} caption={caption} />
        ))}
        {state.partial !== undefined && <Caption key="partial" caption={state.partial} />}
      </div>
      <p class="overlay-note" role="status">
        {note}
      </p>
    </main>
  );
}

function noteOf(state: ListenState, hasSession: boolean, isOnline: boolean): string | undefined {
  const said = words.listen.overlay;
  if (!hasSession) return said.noSession;
  if (state.ending?.kind === "ended") return said.ended;
  if (state.ending?.kind === "lost") return problemWords(state.ending.error, isOnline);
  if (state.joinError !== undefined) return problemWords(state.joinError, isOnline);
  if (state.connection.state === "reconnecting") return said.reconnecting;
  if (state.phase !== "inside") return said.joining;
  return state.broadcast?.isPaused === true ? said.paused : undefined;
}
