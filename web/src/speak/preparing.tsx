import { useEffect, useMemo, useState } from "preact/hooks";

import { LanguagePicker } from "../look/language-picker.tsx";
import { keptForGood } from "../look/kept.ts";
import { Announced, Notice } from "../look/notice.tsx";
import { words } from "../words.ts";
import { Checkbox } from "./checkbox.tsx";
import { rememberChoices, rememberedChoices, type Choices } from "./choices.ts";
import { Heading } from "./heading.tsx";
import { Meter } from "./meter.tsx";
import { MicrophoneChoice } from "./microphone-choice.tsx";
import { MicrophoneTest } from "./microphone-test.ts";
import { newMicrophone } from "./microphones.ts";
import { speakerProblemWords } from "./problems.ts";
import { spokenLanguages, usualSpokenTag } from "./spoken-languages.ts";
import { useStore } from "./use-store.ts";

interface PreparingProps {
  readonly problem: string | undefined;
  readonly isStarting: boolean;
  readonly keepsTranscripts: boolean;
  readonly onStart: (choices: Choices) => void;
}

/** Before a session: what it is to be like. */
export function Preparing({ problem, isStarting, keepsTranscripts, onStart }: PreparingProps) {
  const languages = useMemo(() => spokenLanguages(words.language), []);
  const test = useMemo(() => new MicrophoneTest((deviceId) => newMicrophone(deviceId)), []);
  const testState = useStore(test.state);
  const [choices, setChoices] = useState(() =>
    rememberedChoices(
      keptForGood,
      languages.map(({ tag }) => tag),
      usualSpokenTag(languages, navigator.languages),
    ),
  );
  useEffect(
    () => () => {
      void test.stop();
    },
    [],
  );

  const choose = (changes: Partial<Choices>): void => {
    const chosen = { ...choices, ...changes };
    setChoices(chosen);
    rememberChoices(keptForGood, chosen);
  };
  const start = async (): Promise<void> => {
    // Some systems give a microphone to one user at a time.
    await test.stop();
    onStart({ ...choices, keepsTranscript: choices.keepsTranscript && keepsTranscripts });
  };
  const isTesting = testState.state === "on" || testState.state === "starting";
  const { prepare } = words.speak;
  return (
    <form
      class="card speak-card"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isStarting) void start();
      }}
    >
      <header>
        <Heading>{prepare.heading}</Heading>
        <p class="soft">{words.speak.lead}</p>
      </header>
      <LanguagePicker
        label={prepare.language}
        hint={prepare.languageHint}
        languages={languages}
        value={choices.sourceLanguage}
        onChoose={(sourceLanguage) => {
          choose({ sourceLanguage });
        }}
      />
      <div class="microphone">
        <MicrophoneChoice
          value={choices.microphoneId}
          knownSince={testState.state}
          onChoose={(microphoneId) => {
            choose({ microphoneId });
            if (isTesting) void test.start(microphoneId);
          }}
        />
        <button
          type="button"
          class="button"
          onClick={() => {
            void (isTesting ? test.stop() : test.start(choices.microphoneId));
          }}
        >
          {isTesting ? prepare.stopTest : prepare.test}
        </button>
        {isTesting && (
          <>
            <p class="soft">{prepare.testHint}</p>
            <Meter
              meter={test.meter}
              loudness={testState.state === "on" ? testState.loudness : undefined}
            />
          </>
        )}
        <Announced role="alert">
          {testState.state === "failed" && (
            <Notice kind="danger">
              <p>{speakerProblemWords(testState.error, navigator.onLine)}</p>
            </Notice>
          )}
        </Announced>
      </div>
      <fieldset class="choices">
        <legend>{prepare.options}</legend>
        <Checkbox
          label={prepare.passcode}
          hint={prepare.passcodeHint}
          isChecked={choices.hasPasscode}
          onChange={(hasPasscode) => {
            choose({ hasPasscode });
          }}
        />
        <Checkbox
          label={prepare.partial}
          hint={prepare.partialHint}
          isChecked={choices.showsPartialCaptions}
          onChange={(showsPartialCaptions) => {
            choose({ showsPartialCaptions });
          }}
        />
        {keepsTranscripts && (
          <Checkbox
            label={prepare.transcript}
            hint={prepare.transcriptHint}
            isChecked={choices.keepsTranscript}
            onChange={(keepsTranscript) => {
              choose({ keepsTranscript });
            }}
          />
        )}
      </fieldset>
      <Announced role="alert">
        {problem !== undefined && (
          <Notice kind="danger">
            <p>{problem}</p>
          </Notice>
        )}
      </Announced>
      <button type="submit" class="button primary wide large" aria-disabled={isStarting}>
        {isStarting ? prepare.starting : prepare.start}
      </button>
    </form>
  );
}
