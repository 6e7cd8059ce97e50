import { useId } from "preact/hooks";

import { languageName } from "../languages.ts";
import { words } from "../words.ts";

interface ListenersProps {
  readonly count: number;
  readonly byLanguage: Readonly<Record<string, number>>;
}

/** How many listen, by language; the most first. */
export function Listeners({ count, byLanguage }: ListenersProps) {
  const id = useId();
  const { listeners } = words.speak;
  const rows = Object.entries(byLanguage).sort(([, one], [, other]) => other - one);
  return (
    <section class="panel listeners" aria-labelledby={id}>
      <h2 id={id}>{listeners.heading}</h2>
      <p class={count === 0 ? "soft" : "total"} role="status">
        {count === 0 ? listeners.none : listeners.total(count)}
      </p>
      {rows.length > 0 && (
        <table>
          <thead class="visually-hidden">
            <tr>
              <th scope="col">{listeners.language}</th>
              <th scope="col">{listeners.count}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([tag, listening]) => (
              <tr key={tag}>
                <th scope="row">{languageName(tag, words.language)}</th>
                <td>{listening}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
