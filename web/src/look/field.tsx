import type { InputHTMLAttributes, Ref } from "preact";
import { useId } from "preact/hooks";

import { Icon } from "./icons.tsx";

export interface FieldFrame {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What is wrong with what was entered. */
  readonly problem?: string | undefined;
}

interface TextFieldProps extends FieldFrame {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly input?: InputHTMLAttributes;
}

/** The ids of what describes a field, for aria-describedby. */
export function describedBy(id: string, { hint, problem }: FieldFrame): string | undefined {
  const ids = [
    ...(problem === undefined ? [] : [`${id}-problem`]),
    ...(hint === undefined ? [] : [`${id}-hint`]),
  ];
  return ids.length === 0 ? undefined : ids.join(" ");
}

/** A field's hint and what is wrong with it. */
export function FieldNotes({ id, hint, problem }: FieldFrame & { readonly id: string }) {
  return (
    <>
      {problem !== undefined && (
        <p class="problem" id={`${id}-problem`}>
          <Icon name="alert" />
          <span>{problem}</span>
        </p>
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </>
  );
}

export function TextField({ value, onInput, inputRef, input, ...frame }: TextFieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{frame.label}</label>
      <input
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        {...input}
        class={`input ${typeof input?.class === "string" ? input.class : ""}`}
        id={id}
        ref={inputRef ?? null}
        value={value}
        aria-invalid={frame.problem !== undefined}
        aria-describedby={describedBy(id, frame)}
        onInput={(event) => {
          onInput(event.currentTarget.value);
        }}
      />
      <FieldNotes id={id} {...frame} />
    </div>
  );
}
