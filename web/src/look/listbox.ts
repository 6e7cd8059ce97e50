/** Where someone is in a list that they search by typing. */
export interface ListboxState {
  /** What they have typed to find something; undefined: nothing yet. */
  readonly typed: string | undefined;
  readonly isOpen: boolean;
  /** The option that Enter chooses, by its place among those found; -1: none. */
  readonly active: number;
}

export type ListboxKey = Pick<KeyboardEvent, "key" | "altKey" | "ctrlKey" | "metaKey">;

/** What a key does; undefined: nothing, so that it goes on to the text field. */
export interface ListboxAnswer {
  readonly state: ListboxState;
  readonly chosen?: number;
}

export const CLOSED: ListboxState = { typed: undefined, isOpen: false, active: -1 };
const PAGE = 8;

/** As the ARIA Authoring Practices describe an editable combobox with a listbox. */
export function keyPressed(
  state: ListboxState,
  { key, altKey, ctrlKey, metaKey }: ListboxKey,
  count: number,
): ListboxAnswer | undefined {
  if (ctrlKey || metaKey) return undefined;
  const move = (active: number): ListboxAnswer => ({
    state: { ...state, isOpen: true, active: Math.min(Math.max(active, 0), count - 1) },
  });
  switch (key) {
    case "ArrowDown":
      if (altKey || !state.isOpen) return { state: { ...state, isOpen: true } };
      return move(state.active + 1 < count ? state.active + 1 : 0);
    case "ArrowUp":
      if (altKey) return { state: CLOSED };
      return move(state.isOpen && state.active > 0 ? state.active - 1 : count - 1);
    case "PageDown":
      return state.isOpen ? move(state.active + PAGE) : undefined;
    case "PageUp":
      return state.isOpen ? move(state.active - PAGE) : undefined;
    case "Enter":
      if (!state.isOpen || state.active < 0 || state.active >= count) return undefined;
      return { state: CLOSED, chosen: state.active };
    case "Escape":
      return state.isOpen ? { state: CLOSED } : undefined;
    default:
      return undefined;
  }
}

/** After typing the first that was found is active, so that Enter chooses it. */
export function typedInto(text: string, count: number): ListboxState {
  return { typed: text, isOpen: true, active: count > 0 ? 0 : -1 };
}

/** Opened without typing: all are there, and the chosen one is active. */
export function openedAt(chosen: number): ListboxState {
  return { typed: undefined, isOpen: true, active: chosen };
}
