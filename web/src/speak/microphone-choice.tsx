import { useEffect, useId, useState } from "preact/hooks";

import { Icon } from "../look/icons.tsx";
import { words } from "../words.ts";

interface MicrophoneChoiceProps {
  readonly value: string | undefined;
  readonly onChoose: (deviceId: string | undefined) => void;
  /** Changes when the browser may have come to know more: the names need a permission. */
  readonly knownSince: unknown;
}

/** Chromium lists the usual microphone a second time, under these ids. */
const ALIASES = ["", "default", "communications"];

export function MicrophoneChoice({ value, onChoose, knownSince }: MicrophoneChoiceProps) {
  const id = useId();
  const [microphones, setMicrophones] = useState<readonly MediaDeviceInfo[]>([]);
  useEffect(() => {
    let isShown = true;
    const list = async (): Promise<void> => {
      const devices = await navigator.mediaDevices.enumerateDevices();
      if (!isShown) return;
      setMicrophones(
        devices.filter(
          ({ kind, deviceId }) => kind === "audioinput" && !ALIASES.includes(deviceId),
        ),
      );
    };
    const changed = (): void => {
      list().catch(() => undefined);
    };
    changed();
    navigator.mediaDevices.addEventListener("devicechange", changed);
    return () => {
      isShown = false;
      navigator.mediaDevices.removeEventListener("devicechange", changed);
    };
  }, [knownSince]);

  const { prepare } = words.speak;
  const isThere = microphones.some(({ deviceId }) => deviceId === value);
  return (
    <div class="field">
      <label for={id}>{prepare.microphone}</label>
      <div class="picker">
        <select
          id={id}
          class="input"
          value={isThere ? value : ""}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            onChoose(chosen === "" ? undefined : chosen);
          }}
        >
          <option value="">{prepare.usualMicrophone}</option>
          {microphones.map(({ deviceId, label }, index) => (
            <option key={deviceId} value={deviceId}>
              {label === "" ? prepare.unnamedMicrophone(index + 1) : label}
            </option>
          ))}
        </select>
        <Icon name="chevron" />
      </div>
    </div>
  );
}
