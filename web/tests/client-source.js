import { registerHooks } from "node:module";

const SOURCE = import.meta.resolve("../../clients/typescript/src/index.ts");

// The tests use the client's source, as the type checker does: nothing has to be built for them.
registerHooks({
  resolve(specifier, context, nextResolve) {
    return nextResolve(specifier === "live-sessions" ? SOURCE : specifier, context);
  },
});
