import { isTransient } from "live-sessions";

import type { JoinRequest, ListenSession } from "./listen-session.ts";

export const FIRST_RETRY_MILLISECONDS = 5_000;
export const MOST_RETRY_MILLISECONDS = 60_000;

/**
 * Joins for an overlay, at which nobody sits who could try again: what may pass is tried until it
 * has. Up to a fifth of each wait comes by chance, so that overlays do not try together.
 */
export async function joinPatiently(
  session: Pick<ListenSession, "join">,
  request: JoinRequest,
  wait: (milliseconds: number) => Promise<void>,
): Promise<void> {
  for (let longest = FIRST_RETRY_MILLISECONDS; ; longest *= 2) {
    const error = await session.join(request);
    if (error === undefined || !isTransient(error)) return;
    await wait(Math.min(longest, MOST_RETRY_MILLISECONDS) * (1 - Math.random() / 5));
  }
}
