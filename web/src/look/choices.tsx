import { useId } from "preact/hooks";

interface ChoicesProps<Value extends string> {
  readonly legend: string;
  readonly values: readonly Value[];
  readonly chosen: Value;
  readonly words: Readonly<Record<Value, string>>;
  readonly onChoose: (value: Value) => void;
}

/** One of a few. */
export function Choices<Value extends string>({
  legend,
  values,
  chosen,
  words,
  onChoose,
}: ChoicesProps<Value>) {
  const name = useId();
  return (
    <fieldset class="choices">
      <legend>{legend}</legend>
      {values.map((value) => (
        <label key={value} class="choice">
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === chosen}
            onChange={() => {
              onChoose(value);
            }}
          />
          <span>{words[value]}</span>
        </label>
      ))}
    </fieldset>
  );
}
