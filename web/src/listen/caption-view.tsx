import type { ShownCaption } from "live-sessions";
import { Component } from "preact";

import { directionOf, languageName } from "../languages.ts";
import { words } from "../words.ts";
import type { CaptionBlock } from "./caption-blocks.ts";

/** Whether it is shown in the language that was spoken, although another one was asked for. */
export function isUntranslated(caption: ShownCaption): boolean {
  return !caption.translated && caption.sourceLanguage !== caption.targetLanguage;
}

/** The language that its text is in. */
export function textLanguage(caption: ShownCaption): string {
  return caption.translated ? caption.targetLanguage : caption.sourceLanguage;
}

export function Caption({ caption }: { readonly caption: ShownCaption }) {
  const language = textLanguage(caption);
  return (
    <p class="caption" lang={language} dir={directionOf(language)}>
      <span>{caption.text}</span>
      {isUntranslated(caption) && (
        <small class="untranslated" lang={words.language} dir={directionOf(words.language)}>
          {words.listen.untranslated(languageName(caption.sourceLanguage, words.language))}
        </small>
      )}
    </p>
  );
}

/** The id of the mark where the reader had paused. */
export const PAUSED_HERE = "paused-here";

interface CaptionsProps {
  readonly block: CaptionBlock;
  /** The language of the caption before the first one. */
  readonly languageBefore: string | undefined;
  /** The sequence of the first caption after a pause, if it is in this block. */
  readonly pausedBefore: number | undefined;
}

/** Some captions; rendered again only if one of these is new. */
export class Captions extends Component<CaptionsProps> {
  override shouldComponentUpdate(next: CaptionsProps): boolean {
    const { block, languageBefore, pausedBefore } = this.props;
    return (
      block !== next.block ||
      languageBefore !== next.languageBefore ||
      pausedBefore !== next.pausedBefore
    );
  }

  override render({ block, languageBefore, pausedBefore }: CaptionsProps) {
    let language = languageBefore;
    return (
      <div class="caption-block">
        {block.captions.map((caption) => {
          const isChanged = language !== undefined && language !== caption.targetLanguage;
          language = caption.targetLanguage;
          return [
            caption.sequence === pausedBefore && (
              <p key="paused" class="mark" id={PAUSED_HERE}>
                {words.listen.pausedHere}
              </p>
            ),
            isChanged && (
              <p key={`language-${caption.sequence}`} class="mark">
                {words.listen.languageFromHere(languageName(language, words.language))}
              </p>
            ),
            <Caption key={caption.sequence} caption={caption} />,
          ];
        })}
      </div>
    );
  }
}
