import type { ShownCaption } from "live-sessions";
import { useId, useLayoutEffect, useReducer, useRef } from "preact/hooks";

import { directionOf } from "../languages.ts";
import { Following } from "../look/following.ts";
import { ToEndButton, scrollToEnd } from "../look/to-end.tsx";
import { words } from "../words.ts";

interface UnderstoodProps {
  readonly captions: readonly ShownCaption[];
  readonly partial: ShownCaption | undefined;
}

/** What was understood. It follows the speech until the speaker scrolls up; nothing reads it aloud. */
export function Understood({ captions, partial }: UnderstoodProps) {
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const following = useRef(new Following()).current;
  const [, render] = useReducer((count: number) => count + 1, 0);
  const { isFollowing } = following;
  useLayoutEffect(() => {
    if (following.isFollowing) scrollToEnd(scroller.current);
  }, [captions, partial]);

  const { understood } = words.speak;
  return (
    <section class="panel understood">
      <h2 id={id}>{understood.heading}</h2>
      <div
        ref={scroller}
        class="understood-list"
        role="region"
        aria-labelledby={id}
        tabIndex={0}
        onScroll={(event) => {
          following.scrolled(event.currentTarget);
          if (following.isFollowing !== isFollowing) render(0);
        }}
      >
        {captions.length === 0 && partial === undefined && <p class="soft">{understood.none}</p>}
        {captions.length > 0 && (
          <ol>
            {captions.map(({ sequence, sourceLanguage, originalText }) => (
              <li key={sequence} lang={sourceLanguage} dir={directionOf(sourceLanguage)}>
                {originalText}
              </li>
            ))}
          </ol>
        )}
        {partial !== undefined && (
          <p
            class="understood-partial"
            lang={partial.sourceLanguage}
            dir={directionOf(partial.sourceLanguage)}
          >
            <span class="visually-hidden" lang={words.language}>
              {understood.partial}:{" "}
            </span>
            {partial.originalText}
          </p>
        )}
      </div>
      {!isFollowing && (
        <ToEndButton
          class="to-newest"
          scroller={scroller}
          following={following}
          onFollow={() => {
            render(0);
          }}
        >
          {understood.toNewest}
        </ToEndButton>
      )}
    </section>
  );
}
