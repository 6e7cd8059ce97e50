import { useEffect, useState } from "preact/hooks";

import type { Store } from "./store.ts";

/** The store's value; the component is rendered again when it changes. */
export function useStore<Value>(store: Store<Value>): Value {
  const [, setValue] = useState(store.value);
  useEffect(() => {
    const show = (): void => {
      setValue(() => store.value);
    };
    // It may have changed between rendering and here.
    show();
    return store.watch(show);
  }, [store]);
  return store.value;
}
