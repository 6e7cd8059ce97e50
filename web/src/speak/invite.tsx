import { useId, useRef, useState } from "preact/hooks";

import { Dialog } from "../look/dialog.tsx";
import { Icon } from "../look/icons.tsx";
import { words } from "../words.ts";
import { Qr } from "./qr.tsx";

interface InviteProps {
  readonly sessionId: string;
  readonly passcode: string | undefined;
  readonly joinLink: string;
}

/** How others come into the session. */
export function Invite(invite: InviteProps) {
  const id = useId();
  const link = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState<boolean | undefined>(undefined);
  const [isEnlarged, setIsEnlarged] = useState(false);
  const { join } = words.speak;
  const { joinLink } = invite;

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(joinLink);
      setCopied(true);
    } catch {
      link.current?.select();
      setCopied(false);
    }
  };
  return (
    <section class="panel invite" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>{join.heading}</h2>
      <JoinCode class="invite-code" {...invite} />
      <div class="field">
        <label for={`${id}-link`}>{join.link}</label>
        <div class="invite-link">
          {" "}
          <input
            ref={link}
            id={`${id}-link`}
            class="input"
            readOnly
            value={joinLink}
            onFocus={(event) => {
              event.currentTarget.select();
            }}
          />
          <button
            type="button"
            class="button"
            aria-label={copied === true ? join.copied : join.copy}
            onClick={() => {
              void copy();
            }}
          >
            <Icon name={copied === true ? "check" : "copy"} />
            {copied === true ? join.copied : join.copyShort}
          </button>
        </div>
      </div>
      <div class="buttons">
        <button
          type="button"
          class="button"
          onClick={() => {
            setIsEnlarged(true);
          }}
        >
          <Icon name="enlarge" />
          {join.enlarge}
        </button>
      </div>
      <p class="soft" role="status">
        {copied === false ? join.copyFailed : ""}
        <span class="visually-hidden">{copied === true ? join.copied : ""}</span>
      </p>
      {isEnlarged && (
        <Dialog
          title={join.scan}
          onClose={() => {
            setIsEnlarged(false);
          }}
        >
          <JoinCode class="poster" {...invite} />
        </Dialog>
      )}
    </section>
  );
}

interface JoinCodeProps extends InviteProps {
  readonly class: string;
}

/** What others need: to be scanned, or to be read and typed. */
function JoinCode({ class: className, sessionId, passcode, joinLink }: JoinCodeProps) {
  const { join } = words.speak;
  return (
    <div class={className}>
      <Qr text={joinLink} label={join.qrCode(sessionId)} />
      <dl class="facts">
        <div>
          <dt>{join.sessionId}</dt>
          <dd class="session-id">{sessionId}</dd>
        </div>
        {passcode !== undefined && (
          <div>
            <dt>{join.passcode}</dt>
            <dd class="passcode">{passcode}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}
