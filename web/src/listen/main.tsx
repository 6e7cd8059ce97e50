import { Listener } from "live-sessions";
import { render } from "preact";

import { readConfig } from "../config.ts";
import { startLook } from "../look/look.ts";
import { Announced, Notice, NoticeButton } from "../look/notice.tsx";
import { words } from "../words.ts";
import "./listen.css";
import { ListenPage } from "./listen-page.tsx";
import { ListenSession } from "./listen-session.ts";
import { parseOverlay } from "./overlay-options.ts";

const overlay = parseOverlay(new URL(location.href));
if (overlay === undefined) startLook();
else document.documentElement.setAttribute("data-overlay", "");

const page = document.getElementById("page");
if (page !== null) void show(page);

async function show(page: HTMLElement): Promise<void> {
  try {
    const { websocketUrl } = await readConfig();
    const session = new ListenSession(new Listener({ url: websocketUrl }));
    render(<ListenPage session={session} overlay={overlay} />, page);
  } catch {
    render(<NoConfig />, page);
  }
}

/** Without its settings the page can do nothing. */
function NoConfig() {
  return (
    <main class="centred">
      <h1>{words.listen.title}</h1>
      <Announced role="alert">
        <Notice
          kind="danger"
          actions={
            <NoticeButton
              onClick={() => {
                location.reload();
              }}
            >
              {words.shared.tryAgain}
            </NoticeButton>
          }
        >
          <p>{words.shared.noConfig}</p>
        </Notice>
      </Announced>
    </main>
  );
}
