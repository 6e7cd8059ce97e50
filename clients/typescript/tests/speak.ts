// A speaker as a program, for tests on the local cloud: it says a recording over and over, and prints
// what happens as lines of JSON. When its input ends it ends the session.

import { readFileSync } from "node:fs";

import { RecordingSource, Speaker } from "../src/index.ts";
import { HASTY_CLOCK } from "./hasty-clock.ts";

const [url = "", recording = ""] = process.argv.slice(2);
const { TOKEN = "" } = process.env;

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const source = RecordingSource.fromWav(readFileSync(recording));
const speaker = new Speaker({ url, token: () => Promise.resolve(TOKEN), clock: HASTY_CLOCK });
speaker.on("connection", ({ state }) => {
  print({ event: "connection", state });
});
speaker.on("audioEnded", () => speaker.startAudio(source));
speaker.on("refused", (error) => {
  print({ event: "refused", code: error.code, message: error.message });
});
speaker.on("ended", ({ reason, error }) => {
  print({ event: "ended", reason, error: error === undefined ? undefined : String(error) });
});
const { sessionId } = await speaker.createSession({ sourceLanguage: "en" });
print({ event: "created", sessionId });
await speaker.startAudio(source);

process.stdin.on("end", () => {
  void speaker.end();
});
process.stdin.resume();
