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
      insecure: "Your screen may turn itself off: without https this page cannot keep it on.",
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
    product: "Live Sessions",
    appearance: "Appearance",
    lead: "Your audience reads what you say, each in their own language.",
    loading: "Loading…",
    dismiss: "Dismiss",

    unavailable: {
      insecure:
        "Speaking needs https, or the computer on which the service runs: only there do browsers" +
        " give pages the microphone. Listening works here.",
      noSignIn:
        "Nobody can sign in at this address, so this page cannot speak. Listening works here.",
      listen: "Go to the listener page",
    },

    signIn: {
      heading: "Sign in to speak",
      action: "Sign in",
      going: "Going to the sign-in page…",
      signedInAs: (name: string) => (name === "" ? "Signed in" : `Signed in as ${name}`),
      signOut: "Sign out",
      expired: "Your sign-in has expired. Sign in again to go on.",
      sessionWaits: "Your session is taken back afterwards, if it is still there.",
      problems: {
        refused: "The sign-in was refused or cancelled. Try again.",
        stale: "That sign-in belongs to another tab, or was completed before. Sign in again.",
        unreachable: "The sign-in service cannot be reached. Check the network, then try again.",
      },
    },

    prepare: {
      heading: "Your session",
      language: "You speak",
      languageHint: "With the accent that is closest to yours.",
      microphone: "Microphone",
      usualMicrophone: "The browser's choice",
      unnamedMicrophone: (number: number) => `Microphone ${number}`,
      test: "Test the microphone",
      stopTest: "Stop the test",
      testHint: "Say a few words. Nothing is sent.",
      options: "Options",
      passcode: "Listeners need a passcode",
      passcodeHint: "The join link and the QR code contain it.",
      partial: "Show words while they are spoken",
      partialHint: "Listeners see each sentence grow. It is corrected until it is complete.",
      transcript: "Keep a transcript",
      transcriptHint: "You can download it after the session. Listeners see that it is kept.",
      start: "Start the session",
      starting: "Starting the session…",
      resumingHeading: "Welcome back",
      resuming: "Taking your session back…",
      resumeFailed: (why: string) => `${why} It is tried again.`,
      giveUp: "Start a new session instead",
    },

    level: {
      label: "Microphone level",
      value: (percent: number) => `${percent} %`,
      silent: "Nothing is heard. Is it the right microphone, and is it switched on?",
      quiet: "That is quiet. Come closer to the microphone, or turn it up.",
      good: "That sounds good.",
      loud: "That is too loud. Move away from the microphone, or turn it down.",
    },

    live: {
      heading: "You are live",
      elapsed: "Elapsed",
      endsAt: (time: string) => `The session ends at ${time} at the latest.`,
      broadcast: {
        heading: "Broadcast",
        on: "Your audience reads what you say.",
        waiting: "The microphone is off: nothing is sent.",
        paused: "Paused: nothing is sent, and your audience sees that.",
        muted: "Muted: nothing is sent, and your audience sees that.",
        silent: "The volume is 0: nothing is transcribed.",
      },
      startMicrophone: "Start the microphone",
      startingMicrophone: "Starting the microphone…",
      stopMicrophone: "Stop the microphone",
      pause: "Pause",
      resume: "Resume",
      mute: "Mute",
      unmute: "Unmute",
      volume: "Volume",
      volumeValue: (percent: number) => `${percent} %`,
      end: "End the session",
      ending: "Ending…",
      endQuestion: "End the session for everyone?",
      endHint: "Your audience is told that it is over. It cannot be started again.",
      endConfirm: "End for everyone",
      endCancel: "Go on speaking",
      leaving: "You are live. If you leave, the session ends after some seconds.",
    },

    connection: {
      connecting: "Connecting…",
      connected: "Connected",
      reconnecting: (seconds: number) =>
        seconds > 0
          ? `The connection was lost. Next attempt in ${seconds} s; what you say now may be missing.`
          : "The connection was lost. Reconnecting; what you say now may be missing.",
      closed: "Not connected",
      retryNow: "Try now",
    },

    join: {
      heading: "Invite your audience",
      sessionId: "Session",
      passcode: "Passcode",
      link: "Join link",
      copy: "Copy the link",
      /** On the button beside the link; a part of `copy`. */
      copyShort: "Copy",
      copied: "Copied",
      copyFailed: "The browser did not allow that. Select the link and copy it.",
      qrCode: (sessionId: string) => `QR code of the link to join ${sessionId}`,
      enlarge: "Show the QR code large",
      scan: "Scan to read along in your language",
    },

    listeners: {
      heading: "Listeners",
      none: "Nobody is listening yet.",
      total: (count: number) => (count === 1 ? "1 listener" : `${count} listeners`),
      language: "Language",
      count: "Listeners",
    },

    understood: {
      heading: "What was understood",
      none: "What you say appears here.",
      toNewest: "To the newest",
      partial: "Being spoken",
    },

    notices: {
      rateLimit: (seconds: number) =>
        `Too much audio is being sent; part of it is dropped. The connection is closed in ${seconds} s` +
        " if this goes on. Is the session open in several tabs?",
      transcription: (seconds: number) =>
        `Your speech is not being transcribed at present. It is tried again in ${seconds} s.`,
      transcriptionPermanent:
        "Your speech is not being transcribed, and trying again has not helped. Tell the operator of" +
        " this service.",
      audioRefused: (why: string) => `Audio was refused. ${why}`,
      controlFailed: (why: string) => `That did not work. ${why}`,
      endFailed: (why: string) => `The session could not be ended. ${why}`,
    },

    microphone: {
      refused:
        "The microphone is blocked for this page. Allow it in the browser, beside the address or in" +
        " the site's settings, then start it again.",
      missing:
        "No such microphone was found. Connect it, or choose another one, then start it again.",
      unusable:
        "The microphone cannot be used. Another program may have it: close that one, then start it" +
        " again.",
      unsupported:
        "This browser gives pages no microphone here. It needs https and an up-to-date browser.",
      lost: "The microphone was disconnected. Connect it, or choose another one, then start it again.",
    },

    apart: {
      heading: "This tab is not live",
      elsewhere:
        "Your session goes on in another tab or on another device, and the microphone is off here.",
      failed: (why: string) => `The session was lost. ${why}`,
      takeBack: "Take it back here",
      taking: "Taking it back…",
    },

    over: {
      heading: "The session is over",
      reasons: {
        expired: endReasons.expired,
        operator: endReasons.operator,
        speakerEnded: "You ended it.",
        speakerLost: "It ended because this page was away for too long.",
      } as Readonly<Record<EndReason, string>>,
      unknownReason: "It ended while this page was away.",
      duration: "Duration",
      mostListeners: "Most listeners at once",
      captions: "Captions",
      languages: "Languages read",
      newSession: "New session",
    },

    transcript: {
      heading: "Transcript",
      waiting:
        "The transcript is being written, which takes about a minute. It is asked for again until it is there.",
      late: "The transcript is still not there. If nothing was said, there is none.",
      failed: (why: string) => `The transcript cannot be had. ${why}`,
      none: "Nothing was understood, so there is no transcript.",
      askAgain: "Ask again",
      ready: "Choose a language and a format.",
      language: "Language",
      format: "Format",
      formats: {
        txt: "Text (.txt)",
        srt: "Subtitles (.srt)",
        vtt: "Web subtitles (.vtt)",
        json: "Data (.json)",
      },
      download: "Download",
      preparing: "Preparing the download…",
      started: "The download has begun.",
    },

    /** What the service refused, where a speaker needs other words than `shared.problems`. */
    problems: {
      ALREADY_IN_SESSION: "This page has a session already. Load the page again.",
      CONNECTION_NOT_FOUND: "This page is not connected with its session any more.",
      INVALID_AUDIO: "The service cannot use the audio. Stop the microphone and start it again.",
      INVALID_PARAMETER:
        "The service did not accept one of the choices. Change them and try again.",
      SERVICE_UNAVAILABLE: "The service is busy or not available. Try again in a moment.",
      SESSION_FULL: "The session is full.",
      SESSION_NOT_FOUND: "There is no such session any more.",
      TRANSCRIPT_NOT_AVAILABLE: "There is no transcript, or not yet, or not in this language.",
      UNAUTHORIZED_ACTION: "The session belongs to another user. Sign in as the one who began it.",
      UNSUPPORTED_LANGUAGE: "The service does not know this language. Choose another one.",
    } as Readonly<Partial<Record<ErrorCode, string>>>,
    cannotConnect:
      "The service cannot be reached, or does not accept the sign-in. Check your network, or sign out and in again.",

    /** Accents by Transcribe's codes, where the code is not a tag that browsers can name. */
    accents: {
      "en-AB": "English (Scotland)",
      "en-WL": "English (Wales)",
    } as Readonly<Record<string, string>>,
  },
} as const;
