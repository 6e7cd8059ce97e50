/** Why a screen may turn itself off; undefined: it is kept on. */
export type WakeLockProblem = "insecure" | "unsupported";

/** What a page on this browser can expect. */
export function wakeLockProblem(
  browser: Pick<Window, "isSecureContext"> & { readonly navigator: object },
): WakeLockProblem | undefined {
  if (!browser.isSecureContext) return "insecure";
  return "wakeLock" in browser.navigator ? undefined : "unsupported";
}

/**
 * Keeps the screen on until the returned function is called. Browsers let it go when the page is
 * hidden, so it is taken again when the page is seen again.
 */
export function keepScreenOn(): () => void {
  if (wakeLockProblem(window) !== undefined) return () => undefined;
  let sentinel: WakeLockSentinel | undefined;
  let isWanted = true;
  const take = async (): Promise<void> => {
    if (document.visibilityState !== "visible") return;
    try {
      const taken = await navigator.wakeLock.request("screen");
      if (isWanted) sentinel = taken;
      else await taken.release();
    } catch {
      // The battery is low, or the system does not allow it: the screen turns off as usual.
    }
  };
  const seen = (): void => {
    void take();
  };
  seen();
  document.addEventListener("visibilitychange", seen);
  return () => {
    isWanted = false;
    document.removeEventListener("visibilitychange", seen);
    void sentinel?.release();
  };
}
