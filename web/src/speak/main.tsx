import "./speak.css";

import { Speaker, type Clock } from "live-sessions";
import { UserManager } from "oidc-client-ts";
import { render } from "preact";

import { readConfig } from "../config.ts";
import { keptForTab } from "../look/kept.ts";
import { startLook } from "../look/look.ts";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";
import { newMicrophone, preloadMicrophone } from "./microphones.ts";
import { speakerProblemWords } from "./problems.ts";
import { SignIn, oidcSettings, type Address } from "./sign-in.ts";
import { SpeakPage } from "./speak-page.tsx";
import { Speaking } from "./speaking.ts";
import { tabsOfThisBrowser } from "./tabs.ts";
import { Unavailable } from "./unavailable.tsx";

/** Of the day, so that durations go on over a reload. */
const CLOCK: Clock = {
  now: () => Date.now(),
  after: (milliseconds, act) => {
    const timer = setTimeout(act, milliseconds);
    return () => {
      clearTimeout(timer);
    };
  },
  random: () => Math.random(),
};

const ADDRESS: Address = {
  get href() {
    return location.href;
  },
  show: (url) => {
    history.replaceState(null, "", url);
  },
  open: (url) => {
    location.assign(url);
  },
};

async function start(page: HTMLElement): Promise<void> {
  const { unavailable } = words.speak;
  if (!isSecureContext) {
    render(<Unavailable why={unavailable.insecure} canListen />, page);
    return;
  }
  let config;
  try {
    config = await readConfig();
  } catch {
    render(<Unavailable why={words.shared.noConfig} canListen={false} />, page);
    return;
  }
  if (config.signIn === null) {
    render(<Unavailable why={unavailable.noSignIn} canListen />, page);
    return;
  }
  const client = new UserManager(oidcSettings(config.signIn, location.href, sessionStorage));
  const signIn = new SignIn(client, config.signIn, ADDRESS);
  let name: string | undefined;
  let problem: string | undefined;
  try {
    name = await signIn.resume();
  } catch (error) {
    problem = speakerProblemWords(error, navigator.onLine);
  }
  const speaker = new Speaker({ url: config.websocketUrl, token: () => signIn.token() });
  const speaking = new Speaking({
    speaker,
    microphone: newMicrophone,
    keptForTab,
    tabs: tabsOfThisBrowser(),
    clock: CLOCK,
    isOnline: () => navigator.onLine,
  });
  preloadMicrophone();
  render(
    <SpeakPage
      config={config}
      signIn={signIn}
      speaker={speaker}
      speaking={speaking}
      clock={CLOCK}
      name={name}
      problem={problem}
    />,
    page,
  );
}

startLook();
document.title = words.speak.title;
const page = document.getElementById("page");
if (page !== null) {
  render(
    <Frame>
      <p class="busy" role="status">
        <span class="spinner" aria-hidden="true" />
        {words.speak.loading}
      </p>
    </Frame>,
    page,
  );
  void start(page);
}
