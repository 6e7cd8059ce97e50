import type { Kept } from "../src/look/kept.ts";

/** What is remembered, for a test. */
export function keptInMemory(values: Record<string, string> = {}): Kept {
  const kept = new Map(Object.entries(values));
  return {
    read: (name) => kept.get(name),
    write(name, value) {
      if (value === undefined) kept.delete(name);
      else kept.set(name, value);
    },
  };
}
