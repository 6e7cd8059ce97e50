import { useEffect, useId, useRef, useState } from "preact/hooks";

import { directionOf, matchingLanguages, type Language } from "../languages.ts";
import { words } from "../words.ts";
import { FieldNotes, describedBy, type FieldFrame } from "./field.tsx";
import { Icon } from "./icons.tsx";
import { CLOSED, keyPressed, openedAt, typedInto } from "./listbox.ts";

interface LanguagePickerProps extends FieldFrame {
  readonly languages: readonly Language[];
  /** The tag of the chosen language. */
  readonly value: string | undefined;
  readonly onChoose: (tag: string) => void;
  /** The list is always there, as in a dialog that is about nothing else. */
  readonly isAlwaysOpen?: boolean;
}

/** A language, found by typing a part of its name, of its own name for itself, or its tag. */
export function LanguagePicker({
  languages,
  value,
  onChoose,
  isAlwaysOpen = false,
  ...frame
}: LanguagePickerProps) {
  const id = useId();
  const [state, setState] = useState(CLOSED);
  const list = useRef<HTMLUListElement>(null);
  const isOpen = isAlwaysOpen || state.isOpen;
  const found = matchingLanguages(languages, state.typed ?? "");
  const chosen = languages.find(({ tag }) => tag === value);
  const shown = state.typed ?? (isAlwaysOpen ? "" : (chosen?.name ?? ""));
  const chosenAt = found.findIndex(({ tag }) => tag === value);
  const active = isOpen ? found[state.active] : undefined;

  useEffect(() => {
    const option = list.current?.querySelector(".is-active, [aria-selected=true]");
    option?.scrollIntoView({ block: "nearest" });
  }, [isOpen, state.active]);

  const choose = (language: Language | undefined): void => {
    setState(CLOSED);
    if (language !== undefined) onChoose(language.tag);
  };

  return (
    <div class="field">
      <label for={id}>{frame.label}</label>
      <div class={isAlwaysOpen ? "picker always-open" : "picker"}>
        <input
          id={id}
          class="input"
          type="text"
          role="combobox"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          // Of a dialog: this has the focus when it opens.
          autofocus={isAlwaysOpen}
          placeholder={words.shared.languagePicker.search}
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={active === undefined ? undefined : `${id}-${active.tag}`}
          aria-invalid={frame.problem !== undefined}
          aria-describedby={describedBy(id, frame)}
          value={shown}
          onFocus={(event) => {
            event.currentTarget.select();
          }}
          onClick={() => {
            if (!state.isOpen) setState(openedAt(chosenAt));
          }}
          onInput={(event) => {
            const text = event.currentTarget.value;
            setState(typedInto(text, matchingLanguages(languages, text).length));
          }}
          onBlur={() => {
            if (!isAlwaysOpen) setState(CLOSED);
          }}
          onKeyDown={(event) => {
            const from =
              isAlwaysOpen && !state.isOpen ? { ...state, isOpen: true, active: chosenAt } : state;
            // In a dialog Escape closes the dialog.
            if (isAlwaysOpen && event.key === "Escape") return;
            const opening = !isOpen && event.key.startsWith("Arrow");
            const answer = opening
              ? { state: openedAt(chosenAt) }
              : keyPressed(from, event, found.length);
            if (answer === undefined) return;
            event.preventDefault();
            event.stopPropagation();
            if ("chosen" in answer) choose(found[answer.chosen ?? -1]);
            else setState(answer.state);
          }}
        />
        {!isAlwaysOpen && <Icon name="chevron" />}
        {isOpen && (
          <ul
            ref={list}
            id={`${id}-list`}
            class="picker-list"
            role="listbox"
            aria-label={frame.label}
            onMouseDown={(event) => {
              // The field keeps the focus.
              event.preventDefault();
            }}
          >
            {found.map((language) => (
              <li
                key={language.tag}
                id={`${id}-${language.tag}`}
                role="option"
                class={language === active ? "picker-option is-active" : "picker-option"}
                aria-selected={language.tag === value}
                onClick={() => {
                  choose(language);
                }}
              >
                <span>{language.name}</span>{" "}
                <span class="own-name" lang={language.tag} dir={directionOf(language.tag)}>
                  {language.ownName}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <p class="picker-nothing" role="status" hidden={!isOpen || found.length > 0}>
        {isOpen && found.length === 0
          ? words.shared.languagePicker.nothingFound(state.typed ?? "")
          : ""}
      </p>
      <FieldNotes id={id} {...frame} />
    </div>
  );
}
