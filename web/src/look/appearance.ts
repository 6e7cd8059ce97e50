import type { Kept } from "./kept.ts";

/** "device": as the reader's system is set. */
export const THEMES = ["device", "light", "dark", "contrast"] as const;

export type Theme = (typeof THEMES)[number];

const THEME = "theme";
const MORE_CONTRAST = "(prefers-contrast: more)";

/** The theme that the reader chose; "device" if they never chose one. */
export function readTheme(kept: Kept): Theme {
  const found = kept.read(THEME);
  return THEMES.find((theme) => theme === found) ?? "device";
}

export function writeTheme(kept: Kept, theme: Theme): void {
  kept.write(THEME, theme === "device" ? undefined : theme);
}

/** The attributes that theme.css knows, for a theme on a device with these preferences. */
export function themeAttributes(
  theme: Theme,
  prefersMoreContrast: boolean,
): { readonly theme: "light" | "dark" | undefined; readonly contrast: "more" | undefined } {
  if (theme === "contrast") return { theme: "dark", contrast: "more" };
  return {
    theme: theme === "device" ? undefined : theme,
    contrast: prefersMoreContrast ? "more" : undefined,
  };
}

/** Shows the page in this theme. */
export function showTheme(theme: Theme): void {
  const root = document.documentElement;
  const attributes = themeAttributes(theme, matchMedia(MORE_CONTRAST).matches);
  for (const name of ["theme", "contrast"] as const) {
    const value = attributes[name];
    if (value === undefined) root.removeAttribute(`data-${name}`);
    else root.setAttribute(`data-${name}`, value);
  }
}

/** Shows the page as the reader chose, and follows what they set on their device. */
export function startAppearance(kept: Kept): void {
  const show = (): void => {
    showTheme(readTheme(kept));
  };
  show();
  matchMedia(MORE_CONTRAST).addEventListener("change", show);
}
