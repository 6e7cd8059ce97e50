const PATHS = {
  alert: "M12 8v5m0 3.5v.01M12 3l9.5 17h-19z",
  arrowDown: "M12 5v14m-6-6 6 6 6-6",
  check: "m5 13 4 4L19 7",
  chevron: "m6 9 6 6 6-6",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v12H9zM5 15H4V3h11v2",
  enlarge: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  info: "M12 11v5m0-8.5v.01M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z",
  language:
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9S9 6 12 3z",
  leave: "M14 4h5v16h-5M10 8l-4 4 4 4m-4-4h9",
  microphone: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  mute: "M4 9v6h4l5 4V5L8 9zM17 9.5l5 5m0-5-5 5",
  pause: "M9 5v14M15 5v14",
  play: "M8 5l11 7-11 7z",
  sound: "M4 9v6h4l5 4V5L8 9zM17 8.5a5 5 0 0 1 0 7",
  stop: "M6 6h12v12H6z",
  text: "M4 19 9 6l5 13M5.8 14.5h6.4M15.5 19l3-8 3 8M16.5 16.5h4",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside words that say the same. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
