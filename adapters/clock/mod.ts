// The public face of the clocks.
export { pacedClock } from "./paced_clock.ts";
export { type SystemTimers, systemClock } from "./system_clock.ts";
export { TimerQueue } from "./timer_queue.ts";
export { type VirtualClock, virtualClock } from "./virtual_clock.ts";
