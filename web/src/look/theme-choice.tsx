import { useState } from "preact/hooks";

import { words } from "../words.ts";
import { THEMES, readTheme, showTheme, writeTheme } from "./appearance.ts";
import { Choices } from "./choices.tsx";
import { keptForGood } from "./kept.ts";

/** The reader's choice of colours, which is remembered. */
export function ThemeChoice() {
  const [theme, setTheme] = useState(() => readTheme(keptForGood));
  return (
    <Choices
      legend={words.shared.theme.legend}
      values={THEMES}
      chosen={theme}
      words={words.shared.theme}
      onChoose={(chosen) => {
        setTheme(chosen);
        writeTheme(keptForGood, chosen);
        showTheme(chosen);
      }}
    />
  );
}
