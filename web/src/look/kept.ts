/** What is remembered in a browser; a reader may have forbidden it, and the page works without. */
export interface Kept {
  read(name: string): string | undefined;
  /** Without a value it is forgotten. */
  write(name: string, value: string | undefined): void;
}

const PREFIX = "live-sessions.";

/** What is kept in this storage, such as `() => localStorage`. */
export function keptIn(storage: () => Storage): Kept {
  return {
    read(name) {
      try {
        return storage().getItem(PREFIX + name) ?? undefined;
      } catch {
        return undefined;
      }
    },
    write(name, value) {
      try {
        if (value === undefined) storage().removeItem(PREFIX + name);
        else storage().setItem(PREFIX + name, value);
      } catch {
        // It is asked for again next time.
      }
    },
  };
}

/** For this browser. */
export const keptForGood = keptIn(() => localStorage);

/** For this tab, over a reload. */
export const keptForTab = keptIn(() => sessionStorage);
