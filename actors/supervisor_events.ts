// What a supervisor tells of what it does.
import type { ExitReason, SupervisorEnd } from "./child_spec.ts";

/** What happened. `at` in epoch milliseconds. */
export type SupervisorEvent = { readonly supervisor: string; readonly at: number } & (
  | { readonly kind: "started" | "restarted"; readonly child: string; readonly restarts: number }
  | { readonly kind: "start_failed"; readonly child: string; readonly error: Error }
  /** By itself. */
  | { readonly kind: "exited"; readonly child: string; readonly reason: ExitReason }
  /** `stopped`: by the supervisor, with a crash as the reason when stopping went wrong. `abandoned`: it had not
   * stopped at its deadline, and nobody waits for it any more. */
  | { readonly kind: "stopped" | "abandoned"; readonly child: string; readonly reason: ExitReason }
  /** An end reported by a child that no longer counts; ignored. */
  | { readonly kind: "late_exit"; readonly child: string; readonly reason: ExitReason }
  | { readonly kind: "auto_shutdown"; readonly child: string }
  | { readonly kind: "escalated"; readonly child: string; readonly end: SupervisorEnd }
);
/** An event before the supervisor has put its name and the time to it. */
export type Happening = SupervisorEvent extends infer E
  ? E extends unknown
    ? Omit<E, "supervisor" | "at">
    : never
  : never;
