/** Tells this browser's other tabs which session this one has, since the service does not at once. */
export interface Tabs {
  announce(sessionId: string): void;
  /** Calls `handler` when another tab has taken a session. */
  onTaken(handler: (sessionId: string) => void): void;
}

const NAME = "live-sessions.speaker";

/** The tabs of this page's origin; a channel does not receive what it sent itself. */
export function tabsOfThisBrowser(): Tabs {
  const channel = new BroadcastChannel(NAME);
  return {
    announce: (sessionId) => {
      channel.postMessage(sessionId);
    },
    onTaken: (handler) => {
      channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
        if (typeof data === "string") handler(data);
      });
    },
  };
}
