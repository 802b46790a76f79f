// The public face of the clocks.
export { pacedClock } from "./paced_clock.ts";
export { systemClock } from "./system_clock.ts";
export { type VirtualClock, virtualClock } from "./virtual_clock.ts";
