import type { Caption, KeptCaption, TargetLanguage } from "./protocol.ts";

/** A caption as it is shown; `isPartial` is false, but for a sentence that is still being spoken. */
export type ShownCaption = KeptCaption;

export interface CaptionFeedReceiver {
  /**
   * A final caption, each sequence once, in ascending order. Only one that the service had late
   * comes after a later one: `isLate` is true, and it belongs before those.
   */
  onFinal(caption: ShownCaption, isLate: boolean): void;
  /** The sentence that is being spoken, in place of the one before; undefined: there is none. */
  onPartial(caption: ShownCaption | undefined): void;
}

interface LivePartial {
  readonly caption: ShownCaption;
  readonly timestamp: number;
}

/**
 * Puts live captions and those of the history in order, without a hole and without a double.
 *
 * Around a gap (`beginGap`, `release`, `settle`), what is missing is asked for by `since`. Between
 * `beginGap` and `release`, live captions are held back, so that those of the history come first.
 */
export class CaptionFeed {
  readonly #receiver: CaptionFeedReceiver;
  readonly #since: number | undefined;
  #language: TargetLanguage;
  readonly #shown = new Set<number>();
  #lastShown: number | undefined;
  #partial: LivePartial | undefined;

  /** Nothing up to this sequence is missing; undefined: no caption is known. */
  #askedFrom: number | undefined;
  /** Whether the last captions from before the join were read. */
  #isIntroduced: boolean;
  #hasGap = false;
  /** Whether questions about the gap are still to be answered. */
  #isAsking = false;
  #isHolding = false;
  readonly #heldFinals = new Map<number, ShownCaption>();
  #heldPartial: LivePartial | undefined;
  /** In a language that is not the listener's any more: shown if the history has nothing better. */
  readonly #inOtherLanguage = new Map<number, ShownCaption>();

  /** `since`: the sequence up to which everything was shown before; undefined: nothing was. */
  constructor(language: TargetLanguage, receiver: CaptionFeedReceiver, since?: number) {
    this.#language = language;
    this.#receiver = receiver;
    this.#since = since;
    this.#lastShown = since;
    this.#askedFrom = since;
    this.#isIntroduced = since !== undefined;
  }

  get language(): TargetLanguage {
    return this.#language;
  }

  /** Captions may be missed from here on, until `settle`. Live ones are held back until `release`. */
  beginGap(): void {
    this.hold();
    // A gap that was not settled yet is asked for again, from its own beginning.
    if (!this.#hasGap) this.#askedFrom = this.#lastShown ?? this.#askedFrom;
    else this.#askedFrom ??= this.#beforeFirstKnown();
    this.#hasGap = true;
    this.#isAsking = true;
  }

  /**
   * The `since` of each question that asks for what the gap may have swallowed; undefined asks for the
   * last captions, which a listener reads at first.
   */
  get questions(): readonly (number | undefined)[] {
    const since = this.#askedFrom;
    if (this.#isIntroduced) return [since];
    return since === undefined ? [undefined] : [undefined, since];
  }

  /** Holds live captions back until `release`. */
  hold(): void {
    this.#isHolding = true;
  }

  /** The questions were answered: what is asked for from now on begins with what is known. */
  answered(): void {
    this.#isIntroduced = true;
    this.#askedFrom ??= this.#beforeFirstKnown() ?? 0;
  }

  /** The listener's language from now on. */
  changeLanguage(language: TargetLanguage): void {
    this.#language = language;
    const known = [...this.#inOtherLanguage.values(), ...this.#heldFinals.values()];
    this.#inOtherLanguage.clear();
    this.#heldFinals.clear();
    for (const caption of known) this.#offer(caption);
    if (this.#partial !== undefined && this.#partial.caption.targetLanguage !== language) {
      this.#showPartial(undefined);
    }
    this.#heldPartial = undefined;
  }

  /** Takes a caption from the socket. */
  receive(caption: Caption): void {
    if (caption.isPartial) this.#receivePartial(caption);
    else this.#offer(caption);
  }

  /** Takes captions from the history. */
  receiveHistory(captions: readonly ShownCaption[]): void {
    for (const caption of captions) this.#offer(caption);
  }

  /** Shows what was held back, in order, and holds nothing back any more. */
  release(): void {
    if (!this.#isHolding) return;
    this.#isHolding = false;
    this.#showInOrder(this.#heldFinals);
    const partial = this.#heldPartial;
    this.#heldPartial = undefined;
    if (partial !== undefined && this.#isNews(partial)) this.#showPartial(partial);
  }

  /** Nothing of the gap is left to ask for. */
  settle(): void {
    this.#hasGap = false;
    this.leaveOpen();
  }

  /** Nothing is asked for now; the next gap is asked for from the beginning of this one. */
  leaveOpen(): void {
    this.release();
    this.#isAsking = false;
    this.#showInOrder(this.#inOtherLanguage);
  }

  #offer(caption: ShownCaption): void {
    const { sequence } = caption;
    if (this.#shown.has(sequence) || sequence <= (this.#since ?? -1)) return;
    if (caption.targetLanguage !== this.#language && this.#isAsking) {
      if (!this.#heldFinals.has(sequence)) this.#inOtherLanguage.set(sequence, caption);
      return;
    }
    this.#inOtherLanguage.delete(sequence);
    if (this.#isHolding) {
      if (!this.#heldFinals.has(sequence)) this.#heldFinals.set(sequence, caption);
    } else {
      this.#showFinal(caption);
    }
  }

  #receivePartial(caption: Caption): void {
    const partial: LivePartial = {
      caption: withoutFrame(caption),
      timestamp: caption.timestamp,
    };
    if (!this.#isNews(partial)) return;
    if (!this.#isHolding) this.#showPartial(partial);
    else if (isNewer(partial, this.#heldPartial)) this.#heldPartial = partial;
  }

  #isNews(partial: LivePartial): boolean {
    const { sequence, targetLanguage } = partial.caption;
    return (
      targetLanguage === this.#language &&
      (this.#lastShown === undefined || sequence > this.#lastShown) &&
      isNewer(partial, this.#partial)
    );
  }

  #showPartial(partial: LivePartial | undefined): void {
    this.#partial = partial;
    this.#receiver.onPartial(partial?.caption);
  }

  #showFinal(caption: ShownCaption): void {
    const { sequence } = caption;
    const isLate = this.#lastShown !== undefined && sequence < this.#lastShown;
    this.#shown.add(sequence);
    if (!isLate) this.#lastShown = sequence;
    // First the end of the partial, so that nothing is on the page twice.
    if (this.#partial !== undefined && this.#partial.caption.sequence <= sequence) {
      this.#showPartial(undefined);
    }
    this.#receiver.onFinal(withoutFrame(caption), isLate);
  }

  #showInOrder(captions: Map<number, ShownCaption>): void {
    const inOrder = [...captions.values()].sort((one, other) => one.sequence - other.sequence);
    captions.clear();
    for (const caption of inOrder) {
      if (!this.#shown.has(caption.sequence)) this.#showFinal(caption);
    }
  }

  /** Just before the first caption that is known, whether it is shown or held back. */
  #beforeFirstKnown(): number | undefined {
    const known = [...this.#shown, ...this.#heldFinals.keys(), ...this.#inOtherLanguage.keys()];
    return known.length === 0 ? undefined : Math.max(known.reduce((a, b) => Math.min(a, b)) - 1, 0);
  }
}

function isNewer(partial: LivePartial, than: LivePartial | undefined): boolean {
  if (than === undefined) return true;
  const { sequence } = partial.caption;
  if (sequence !== than.caption.sequence) return sequence > than.caption.sequence;
  return partial.timestamp >= than.timestamp;
}

/** A live caption as the history has it. */
function withoutFrame(caption: ShownCaption): ShownCaption {
  const { sequence, sourceLanguage, targetLanguage, text, originalText } = caption;
  const { isPartial, spokenAt, translated } = caption;
  return {
    sequence,
    sourceLanguage,
    targetLanguage,
    text,
    originalText,
    isPartial,
    spokenAt,
    translated,
  };
}
