import "./theme.css";
import "./parts.css";

import { directionOf } from "../languages.ts";
import { words } from "../words.ts";
import { startAppearance } from "./appearance.ts";
import { keptForGood } from "./kept.ts";

/** Gives the page its look and its language; to be called first. */
export function startLook(): void {
  document.documentElement.lang = words.language;
  document.documentElement.dir = directionOf(words.language);
  startAppearance(keptForGood);
}
