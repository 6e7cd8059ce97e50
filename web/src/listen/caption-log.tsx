import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";

import { Following } from "../look/following.ts";
import { ToEndButton, scrollToEnd } from "../look/to-end.tsx";
import { words } from "../words.ts";
import { Caption, Captions, PAUSED_HERE } from "./caption-view.tsx";
import type { ListenState } from "./listen-session.ts";

interface CaptionLogProps {
  readonly state: ListenState;
  readonly sizePercent: number;
  /** What is said before the first caption. */
  readonly intro: ComponentChildren;
}

/** The captions. They follow the speech until the reader scrolls up. */
export function CaptionLog({ state, sizePercent, intro }: CaptionLogProps) {
  const { blocks, added, partial, isPaused, pausedBefore, ending } = state;
  const scroller = useRef<HTMLDivElement>(null);
  const inside = useRef<HTMLDivElement>(null);
  const following = useRef(new Following()).current;
  const lastAdded = useRef(0);
  const [, render] = useReducer((count: number) => count + 1, 0);

  useLayoutEffect(() => {
    const count = added - lastAdded.current;
    lastAdded.current = added;
    if (count > 0) following.added(count);
    if (following.isFollowing) scrollToEnd(scroller.current);
    else if (count > 0) render(0);
  }, [added, blocks, partial]);

  // Text that becomes larger and a window that becomes smaller move the end away.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (following.isFollowing) scrollToEnd(scroller.current);
    });
    for (const each of [scroller.current, inside.current])
      if (each !== null) observer.observe(each);
    return () => {
      observer.disconnect();
    };
  }, []);

  // After a pause the reader goes on where they stopped.
  useLayoutEffect(() => {
    if (pausedBefore === undefined || ending !== undefined) return;
    following.stay();
    document.getElementById(PAUSED_HERE)?.scrollIntoView({ block: "start" });
    if (scroller.current !== null) following.scrolled(scroller.current);
    render(0);
  }, [pausedBefore]);

  const { isFollowing, unseen } = following;
  let languageBefore: string | undefined;
  return (
    <div class="log">
      <div
        ref={scroller}
        class="scroller"
        role="region"
        aria-label={words.listen.captions}
        tabIndex={0}
        onScroll={(event) => {
          following.scrolled(event.currentTarget);
          if (following.isFollowing !== isFollowing || following.unseen !== unseen) render(0);
        }}
      >
        <div ref={inside} class="reading" style={{ "--reader-size": `${sizePercent / 100}` }}>
          <div class="intro">{intro}</div>
          <div role="log" aria-label={words.listen.captions}>
            {blocks.map((block) => {
              const before = languageBefore;
              languageBefore = block.captions.at(-1)?.targetLanguage;
              const hasPause =
                pausedBefore !== undefined &&
                block.captions.some(({ sequence }) => sequence === pausedBefore);
              return (
                <Captions
                  key={block.id}
                  block={block}
                  languageBefore={before}
                  pausedBefore={hasPause ? pausedBefore : undefined}
                />
              );
            })}
          </div>
          {partial !== undefined && (
            <div class={isPaused ? "partial is-frozen" : "partial"}>
              <span class="visually-hidden">{words.listen.partial}</span>
              <Caption caption={partial} />
            </div>
          )}
          {blocks.length === 0 && partial === undefined && ending === undefined && (
            <p class="waiting soft">{words.listen.waiting}</p>
          )}
        </div>
      </div>
      {!isFollowing && (
        <ToEndButton
          class="latest"
          scroller={scroller}
          following={following}
          onFollow={() => {
            render(0);
          }}
        >
          {words.listen.latest.label}
          {unseen > 0 && <span class="unseen">{words.listen.latest.newCaptions(unseen)}</span>}
        </ToEndButton>
      )}
    </div>
  );
}
