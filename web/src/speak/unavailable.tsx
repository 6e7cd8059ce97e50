import { Notice } from "../look/notice.tsx";
import { words } from "../words.ts";
import { Frame } from "./frame.tsx";

/** The page where nobody can speak. */
export function Unavailable({
  why,
  canListen,
}: {
  readonly why: string;
  readonly canListen: boolean;
}) {
  return (
    <Frame>
      <div class="card speak-card">
        <h1>{words.speak.title}</h1>
        <Notice kind="warning">
          <p>{why}</p>
        </Notice>
        {canListen ? (
          <a class="button primary wide large" href="./">
            {words.speak.unavailable.listen}
          </a>
        ) : (
          <button
            type="button"
            class="button primary wide large"
            onClick={() => {
              location.reload();
            }}
          >
            {words.shared.tryAgain}
          </button>
        )}
      </div>
    </Frame>
  );
}
