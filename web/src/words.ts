import type { EndReason, ErrorCode } from "live-sessions";

import type { Theme } from "./look/appearance.ts";

/** "1 second", "5 seconds". */
function seconds(count: number): string {
  return count === 1 ? "1 second" : `${count} seconds`;
}

/** "1 new caption", "5 new captions". */
function newCaptions(count: number): string {
  return count === 1 ? "1 new caption" : `${count} new captions`;
}

const theme: Readonly<Record<Theme | "legend", string>> = {
  legend: "Colours",
  device: "As on this device",
  light: "Light",
  dark: "Dark",
  contrast: "High contrast",
};

const problems: Readonly<Record<Exclude<ErrorCode, "RATE_LIMITED">, string>> = {
  ALREADY_IN_SESSION: "This page is in a session already. Leave it first.",
  AUDIO_TOO_LARGE: "A piece of the audio was too large and was not sent.",
  CONNECTION_NOT_FOUND: "The service no longer knows this connection. Join again.",
  INTERNAL_ERROR: "Something went wrong in the service. Try again in a moment.",
  INVALID_ACTION: "The service does not know what this page asked for. Reload the page.",
  INVALID_AUDIO: "The audio is not what was announced. Reload the page.",
  INVALID_MESSAGE: "The service did not understand this page. Reload the page.",
  INVALID_PARAMETER: "Something in this was not understood. Check what you entered.",
  INVALID_PASSCODE: "This passcode is not right. It has six digits; ask whoever invited you.",
  MESSAGE_TOO_LARGE: "This was too much at once and was not sent.",
  MISSING_ACTION: "The service did not understand this page. Reload the page.",
  SERVICE_UNAVAILABLE: "The service is not available right now. Try again in a moment.",
  SESSION_ENDED: "This session has ended.",
  SESSION_FULL: "This session is full. Try again when someone has left.",
  SESSION_NOT_FOUND: "There is no session with this id. Check it, or ask whoever invited you.",
  STATUS_TIMEOUT: "The service took too long to answer. Try again.",
  TRANSCRIPT_NOT_AVAILABLE: "There is no transcript of this session.",
  UNAUTHORIZED_ACTION: "This is not allowed here.",
  UNSUPPORTED_LANGUAGE: "There are no captions in this language. Choose another one.",
};

const endReasons: Readonly<Record<EndReason, string>> = {
  expired: "It had reached the longest time that a session may take.",
  operator: "An operator of the service ended it.",
  speakerEnded: "The speaker ended it.",
  speakerLost: "The speaker’s connection was lost and did not come back.",
};

/** Every word that the pages show; to translate the pages, translate this file. */
export const words = {
  /** The tag of the language that these words are in. */
  language: "en",
  shared: {
    cancel: "Cancel",
    close: "Close",
    tryAgain: "Try again",
    theme,
    languagePicker: {
      search: "Search for a language",
      nothingFound: (typed: string) => `No language is called “${typed}”.`,
    },
    /** What the service refused, by its code. */
    problems: {
      ...problems,
      RATE_LIMITED: (retryAfterSeconds: number | undefined) =>
        retryAfterSeconds === undefined
          ? "There were too many tries. Wait a moment, then try again."
          : `There were too many tries. Try again in ${seconds(retryAfterSeconds)}.`,
    },
    offline: "This device is offline. Connect it to a network, then try again.",
    cannotConnect: "The service cannot be reached. Check your network, then try again.",
    noAnswer: "The service did not answer in time. Try again.",
    unknownProblem: "Something went wrong on this page. Try again, or reload the page.",
    noConfig: "This page could not read its own settings (config.json). Try again in a moment.",
    endReasons,
  },
  listen: {
    title: "Live captions",
    join: {
      heading: "Live captions",
      lead: "Read what is being said, in your language.",
      session: "Session",
      sessionHint: "The id or the link that you were given.",
      sessionExample: "golden-river-482-917",
      passcode: "Passcode",
      passcodeHint: "Six digits. Leave this empty if you were given none.",
      language: "Captions in",
      submit: "Join",
      joining: "Joining…",
      sessionMissing: "Enter the session’s id, or paste its link.",
      linkWithoutSession: "This link names no session. Ask for the join link, or enter the id.",
      languageMissing: "Choose a language.",
      passcodeMissing: "This session needs a passcode of six digits. Ask whoever invited you.",
      otherSession: "Join another session",
    },
    session: "Session",
    pageTitle: (sessionId: string) => `${sessionId} · Live captions`,
    pageTitleEnded: (sessionId: string) => `Ended: ${sessionId} · Live captions`,
    captions: "Captions",
    /** Before the first caption. */
    waiting: "Captions appear here as soon as someone speaks.",
    intro: (sourceLanguage: string) => `Spoken in ${sourceLanguage}.`,
    transcriptKept: {
      short: "A transcript is kept.",
      long: "What is said is kept as a transcript when the session is over.",
    },
    noWakeLock: {
      insecure:
        "Your screen may turn itself off: a page can keep it on only where its address begins with https.",
      unsupported: "Your screen may turn itself off: this browser cannot keep it on.",
    },
    untranslated: (sourceLanguage: string) => `Not translated: ${sourceLanguage}`,
    languageFromHere: (language: string) => `From here on in ${language}`,
    pausedHere: "You paused here",
    partial: "Being spoken",
    latest: {
      label: "Latest",
      newCaptions,
    },
    controls: {
      pause: "Pause",
      resume: "Resume",
      changeLanguage: (language: string) => `Language: ${language}. Change it`,
      changingLanguage: (language: string) => `Changing to ${language}…`,
      languageHeading: "Captions in",
      languageSearch: "Language",
      appearance: "Text and colours",
      size: "Text size",
      smaller: "Smaller text",
      larger: "Larger text",
      sizeNow: (percent: number) => `${percent} %`,
      leave: "Leave",
    },
    connection: {
      connecting: "Connecting…",
      connected: "Live",
      reconnecting: "Reconnecting…",
      closed: "Not connected",
    },
    reconnecting: {
      headline: "The connection was lost.",
      retrying: "Trying to connect again. What is said meanwhile follows.",
      retryingIn: (count: number) => `Next try in ${seconds(count)}.`,
      offline: "This device is offline. Captions go on as soon as it is back; none is lost.",
      retryNow: "Try now",
    },
    broadcast: {
      paused: "The speaker has paused.",
      muted: "The speaker’s microphone is muted.",
    },
    playbackPaused: {
      headline: "You have paused.",
      nothingLost: "Nothing is lost: what is said meanwhile follows when you resume.",
      waiting: (count: number) => `${newCaptions(count)} waiting.`,
    },
    ended: {
      headline: "The session has ended.",
      unknownReason: "Its end was not seen, since the connection was lost.",
      whatRemains: "The captions stay here until you leave this page.",
      joinAnother: "Join another session",
    },
    lost: {
      headline: "You are no longer in the session.",
      rejoin: "Join again",
    },
    overlay: {
      reconnecting: "Reconnecting…",
      joining: "Connecting…",
      paused: "Paused",
      ended: "The session has ended.",
      noSession: "The overlay’s address needs ?session=…",
    },
  },
  speak: {
    title: "Speak",
  },
} as const;
