import { words } from "../words.ts";
import type { LiveSession } from "./speaking.ts";

export type BroadcastMode = "on" | "waiting" | "paused" | "muted" | "silent";

/** What becomes of what is said now. */
export function broadcastMode({
  broadcast,
  microphone,
}: Pick<LiveSession, "broadcast" | "microphone">): BroadcastMode {
  if (broadcast?.isPaused === true) return "paused";
  if (broadcast?.isMuted === true) return "muted";
  if (broadcast?.volume === 0) return "silent";
  return microphone === "on" ? "on" : "waiting";
}

/** The state of the connection, and what the client does about it. */
export function connectionWords(connection: LiveSession["connection"]): string {
  const said = words.speak.connection;
  if (connection.state !== "reconnecting") return said[connection.state];
  return said.reconnecting(Math.round(connection.retryInMilliseconds / 1000));
}
