type Handler<Event> = (event: Event) => unknown;

/**
 * Events by name, each with the type of what its handlers are called with.
 *
 * What a handler throws is reported as uncaught, as a browser does with its own events, and disturbs
 * neither the other handlers nor the client.
 */
export class Emitter<Events extends object> {
  readonly #handlers = new Map<keyof Events, Set<Handler<never>>>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void = reportUncaught) {
    this.#report = report;
  }

  /** Calls `handler` for each such event until the returned function is called. */
  on<Name extends keyof Events>(name: Name, handler: Handler<Events[Name]>): () => void {
    // One handler may be added twice, as two: each is removed by its own function.
    const added: Handler<Events[Name]> = (event) => handler(event);
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers);
    handlers.add(added);
    return () => {
      handlers.delete(added);
    };
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        const returned = handler(event as never);
        if (returned instanceof Promise) returned.catch(this.#report);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}

/** Node has no reportError, and an uncaught error would end the process there. */
function reportUncaught(error: unknown): void {
  const report = (globalThis as { reportError?: (error: unknown) => void }).reportError;
  if (report === undefined) {
    // eslint-disable-next-line no-console -- the last resort: nobody else would learn of it
    console.error(error);
  } else {
    report(error);
  }
}
