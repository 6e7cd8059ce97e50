import { MicrophoneSource } from "live-sessions";
import workletUrl from "live-sessions/capture-worklet.js?url";

/** A microphone of this browser, by its id, or the one that the browser chooses. */
export function newMicrophone(
  deviceId: string | undefined,
  sampleRateHertz?: number,
): MicrophoneSource {
  return new MicrophoneSource({
    workletUrl,
    ...(deviceId !== undefined && { deviceId }),
    ...(sampleRateHertz !== undefined && { sampleRateHertz }),
  });
}

/** Gets now what the microphone needs later, when a newer release may have replaced it. */
export function preloadMicrophone(): void {
  fetch(workletUrl).catch(() => undefined);
}
