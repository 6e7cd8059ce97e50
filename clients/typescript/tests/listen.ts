// A listener as a program, for tests on the local cloud: it prints what it shows as lines of JSON,
// until its input ends.

import { Listener } from "../src/index.ts";
import { HASTY_CLOCK } from "./hasty-clock.ts";

const [url = "", sessionId = "", targetLanguage = ""] = process.argv.slice(2);

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const listener = new Listener({ url, clock: HASTY_CLOCK });
listener.on("connection", ({ state }) => {
  print({ event: "connection", state });
});
listener.on("caption", ({ caption, isLate }) => {
  print({ event: "caption", sequence: caption.sequence, text: caption.originalText, isLate });
});
listener.on("ended", ({ error }) => {
  print({ event: "ended", error: String(error) });
});
await listener.join({ sessionId, targetLanguage });
print({ event: "joined" });

process.stdin.on("end", () => {
  listener.close();
});
process.stdin.resume();
