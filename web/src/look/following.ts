/** Of an element that scrolls, in CSS pixels. */
export type ScrollPosition = Pick<Element, "scrollTop" | "scrollHeight" | "clientHeight">;

/** So close to the end is at the end: positions are rounded, and people stop a little short of it. */
export const AT_END_PIXELS = 32;

/**
 * Whether the captions follow the speech. They do until the reader scrolls up, and again once the
 * reader is back at the end.
 */
export class Following {
  #isFollowing = true;
  #unseen = 0;
  #lastTop = 0;
  #lastDistance = 0;

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** Captions that came after the reader had scrolled up. */
  get unseen(): number {
    return this.#unseen;
  }

  /** Takes each position that a `scroll` event reports. */
  scrolled(position: ScrollPosition): void {
    const { scrollTop } = position;
    const distance = distanceFromEnd(position);
    if (distance <= AT_END_PIXELS) this.follow();
    // Text that grows or an on-screen keyboard move the end away, but only a reader moves up from it.
    else if (scrollTop < this.#lastTop - 1 && distance > this.#lastDistance + 1) this.stay();
    this.#lastTop = scrollTop;
    this.#lastDistance = distance;
  }

  /** Captions were added at the end. */
  added(count: number): void {
    if (!this.#isFollowing) this.#unseen += count;
  }

  follow(): void {
    this.#isFollowing = true;
    this.#unseen = 0;
  }

  /** The reader stays where they are, whatever is added. */
  stay(): void {
    this.#isFollowing = false;
  }
}

function distanceFromEnd({ scrollTop, scrollHeight, clientHeight }: ScrollPosition): number {
  return scrollHeight - scrollTop - clientHeight;
}
