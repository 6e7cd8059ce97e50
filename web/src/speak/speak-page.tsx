import type { Clock, Speaker } from "live-sessions";
import { useEffect, useState } from "preact/hooks";

import type { PageConfig } from "../config.ts";
import { formatJoinLink } from "../join-link.ts";
import { Announced, Notice } from "../look/notice.tsx";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";
import { Heading } from "./heading.tsx";
import { Live } from "./live.tsx";
import { Over } from "./over.tsx";
import { Preparing } from "./preparing.tsx";
import { speakerProblemWords } from "./problems.ts";
import type { SignIn } from "./sign-in.ts";
import type { Speaking } from "./speaking.ts";
import { useStore } from "./use-store.ts";

interface SpeakPageProps {
  readonly config: PageConfig;
  readonly signIn: SignIn;
  readonly speaker: Speaker;
  readonly speaking: Speaking;
  readonly clock: Clock;
  /** Whoever is signed in; undefined: nobody. */
  readonly name: string | undefined;
  /** Why a sign-in has just failed. */
  readonly problem: string | undefined;
}

/** The page once it knows its service. */
export function SpeakPage({
  config,
  signIn,
  speaker,
  speaking,
  clock,
  name: firstName,
  problem: firstProblem,
}: SpeakPageProps) {
  const [name, setName] = useState(firstName);
  const [problem, setProblem] = useState(firstProblem);
  const [isGoing, setIsGoing] = useState(false);
  const state = useStore(speaking.state);
  useEffect(() => {
    if (name !== undefined) void speaking.restore();
  }, []);

  const goToSignIn = async (): Promise<void> => {
    setIsGoing(true);
    setProblem(undefined);
    try {
      await signIn.begin();
    } catch (error) {
      setProblem(speakerProblemWords(error, navigator.onLine));
      setIsGoing(false);
    }
  };
  const signOut = async (): Promise<void> => {
    speaking.prepare();
    await signIn.end();
    setName(undefined);
  };
  const onSignIn = (): void => {
    void goToSignIn();
  };
  const onSignOut = (): void => {
    void signOut();
  };

  if (name === undefined || state.stage === "signedOut") {
    const isExpired = name !== undefined;
    const hasSession = speaking.kept !== undefined && speaking.kept.end === undefined;
    return (
      <Frame>
        <SignedOut
          problem={problem ?? (isExpired ? words.speak.signIn.expired : undefined)}
          hasSession={hasSession}
          isGoing={isGoing}
          onSignIn={onSignIn}
        />
      </Frame>
    );
  }
  switch (state.stage) {
    case "live": {
      const { sessionId, passcode } = state.session;
      const base = new URL(config.listenerPage ?? "./", location.href);
      const link = formatJoinLink(base, {
        sessionId,
        ...(passcode !== undefined && { passcode }),
      });
      return (
        <Frame name={name} isWide>
          <Live
            speaking={speaking}
            session={state.session}
            joinLink={link.href}
            onSignIn={onSignIn}
          />
        </Frame>
      );
    }
    case "over":
      return (
        <Frame name={name} onSignOut={onSignOut}>
          <Over
            key={state.session.sessionId}
            session={state.session}
            end={state.end}
            speaker={speaker}
            clock={clock}
            onNew={() => {
              speaking.prepare();
            }}
          />
        </Frame>
      );
    case "resuming":
      return (
        <Frame name={name}>
          <Resuming problem={state.problem} speaking={speaking} />
        </Frame>
      );
    case "apart":
      return (
        <Frame name={name} onSignOut={onSignOut}>
          <Apart problem={state.problem} speaking={speaking} />
        </Frame>
      );
    default:
      return (
        <Frame name={name} onSignOut={onSignOut}>
          <Preparing
            problem={state.stage === "preparing" ? state.problem : undefined}
            isStarting={state.stage === "starting"}
            keepsTranscripts={config.transcripts}
            onStart={(choices) => {
              void speaking.begin(choices);
            }}
          />
        </Frame>
      );
  }
}

interface SignedOutProps {
  readonly problem: string | undefined;
  readonly hasSession: boolean;
  readonly isGoing: boolean;
  readonly onSignIn: () => void;
}

function SignedOut({ problem, hasSession, isGoing, onSignIn }: SignedOutProps) {
  const { signIn } = words.speak;
  return (
    <div class="card speak-card">
      <header>
        <Heading>{words.speak.title}</Heading>
        <p class="soft">{words.speak.lead}</p>
      </header>
      <Announced role="alert">
        {problem !== undefined && (
          <Notice kind="warning">
            <p>{problem}</p>
            {hasSession && <p>{signIn.sessionWaits}</p>}
          </Notice>
        )}
      </Announced>
      <button
        type="button"
        class="button primary wide large"
        aria-disabled={isGoing}
        onClick={() => {
          if (!isGoing) onSignIn();
        }}
      >
        {isGoing ? signIn.going : signIn.action}
      </button>
    </div>
  );
}

interface AwayProps {
  readonly problem: string | undefined;
  readonly speaking: Speaking;
}

function Resuming({ problem, speaking }: AwayProps) {
  const { prepare } = words.speak;
  return (
    <div class="card speak-card">
      <Heading>{prepare.resumingHeading}</Heading>
      <p class="busy" role="status">
        <span class="spinner" aria-hidden="true" />
        {prepare.resuming}
      </p>
      <Announced role="alert">
        {problem !== undefined && (
          <Notice kind="warning">
            <p>{prepare.resumeFailed(problem)}</p>
          </Notice>
        )}
      </Announced>
      <button
        type="button"
        class="button"
        onClick={() => {
          speaking.prepare();
        }}
      >
        {prepare.giveUp}
      </button>
    </div>
  );
}

function Apart({ problem, speaking }: AwayProps) {
  const { apart, over } = words.speak;
  return (
    <div class="card speak-card">
      <Heading>{apart.heading}</Heading>
      <Announced role="alert">
        <Notice kind="warning">
          <p>{problem}</p>
        </Notice>
      </Announced>
      <div class="buttons">
        <button
          type="button"
          class="button primary"
          onClick={() => {
            void speaking.takeBack();
          }}
        >
          {apart.takeBack}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            speaking.prepare();
          }}
        >
          {over.newSession}
        </button>
      </div>
    </div>
  );
}
