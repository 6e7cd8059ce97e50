import { useEffect, useId, useState } from "preact/hooks";

import { Icon } from "../look/icons.tsx";
import { words } from "../words.ts";
import { broadcastMode } from "./broadcast.ts";
import { Meter } from "./meter.tsx";
import { MicrophoneChoice } from "./microphone-choice.tsx";
import type { LiveSession, Speaking } from "./speaking.ts";

interface ControlsProps {
  readonly speaking: Speaking;
  readonly session: LiveSession;
}

/** The microphone and the broadcast. */
export function Controls({ speaking, session }: ControlsProps) {
  const { live } = words.speak;
  const { microphone, broadcast, loudness } = session;
  const [deviceId, setDeviceId] = useState(() => speaking.kept?.microphoneId);
  const mode = broadcastMode(session);
  const isPaused = broadcast?.isPaused === true;
  const isMuted = broadcast?.isMuted === true;
  return (
    <section class={`panel controls is-${mode}`} aria-label={live.broadcast.heading}>
      <p class="mode" role="status">
        <span class="lamp" aria-hidden="true" />
        {live.broadcast[mode]}
      </p>
      <Meter
        meter={speaking.meter}
        loudness={mode === "on" && loudness !== "good" ? loudness : undefined}
      />
      <div class="buttons">
        {microphone === "off" ? (
          <button
            type="button"
            class="button primary"
            onClick={() => {
              void speaking.startMicrophone(deviceId);
            }}
          >
            <Icon name="microphone" />
            {live.startMicrophone}
          </button>
        ) : (
          <button
            type="button"
            class="button"
            onClick={() => {
              void speaking.stopMicrophone();
            }}
          >
            <Icon name="microphone" />
            {microphone === "starting" ? live.startingMicrophone : live.stopMicrophone}
          </button>
        )}
        <button
          type="button"
          class={isPaused ? "button primary" : "button"}
          onClick={() => {
            void (isPaused ? speaking.resume() : speaking.pause());
          }}
        >
          <Icon name={isPaused ? "play" : "pause"} />
          {isPaused ? live.resume : live.pause}
        </button>
        <button
          type="button"
          class={isMuted ? "button primary" : "button"}
          onClick={() => {
            void (isMuted ? speaking.unmute() : speaking.mute());
          }}
        >
          <Icon name={isMuted ? "sound" : "mute"} />
          {isMuted ? live.unmute : live.mute}
        </button>
      </div>
      {microphone === "off" && (
        <MicrophoneChoice value={deviceId} knownSince={microphone} onChoose={setDeviceId} />
      )}
      <Volume
        volume={broadcast?.volume ?? 1}
        onChange={(volume) => {
          void speaking.setVolume(volume);
        }}
      />
    </section>
  );
}

interface VolumeProps {
  readonly volume: number;
  readonly onChange: (volume: number) => void;
}

function Volume({ volume, onChange }: VolumeProps) {
  const id = useId();
  const { live } = words.speak;
  const [percent, setPercent] = useState(Math.round(volume * 100));
  useEffect(() => {
    setPercent(Math.round(volume * 100));
  }, [volume]);
  return (
    <div class="volume">
      <label for={id}>{live.volume}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={5}
        value={percent}
        aria-valuetext={live.volumeValue(percent)}
        onInput={(event) => {
          setPercent(event.currentTarget.valueAsNumber);
        }}
        onChange={(event) => {
          onChange(event.currentTarget.valueAsNumber / 100);
        }}
      />
      <output for={id}>{live.volumeValue(percent)}</output>
    </div>
  );
}
