import { SYSTEM_CLOCK, type Clock } from "../src/clock.ts";
import { HEARTBEAT_MILLISECONDS } from "../src/reconnecting-connection.ts";

/** The system's clock, but that heartbeats are sent every two seconds if HASTY is set. */
export const HASTY_CLOCK: Clock = {
  ...SYSTEM_CLOCK,
  after(milliseconds, action) {
    const isHasty = milliseconds === HEARTBEAT_MILLISECONDS && process.env["HASTY"] !== undefined;
    return SYSTEM_CLOCK.after(isHasty ? 2_000 : milliseconds, action);
  },
};
