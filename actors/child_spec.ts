// What a child owes its supervisor and may ask of it: the spec, the link between the two, the reasons for an end.

/** Why a child ended. `normal`, `shutdown` and `{ shutdown }` are no failures: a transient child is not restarted. */
export type ExitReason =
  | "normal"
  | "shutdown"
  | "killed"
  | { readonly shutdown: unknown }
  | { readonly crash: Error };

/** `shutdown`: end in good order within the deadline. `killed`: end at once; nobody waits for it. */
export type StopReason = "shutdown" | "killed";

/** A running child. */
export interface Child {
  /** Asks the child to end. It has ended when this returns, when the promise settles, or when it calls `link.exit`.
   *
   * Called with `shutdown` at most once. `killed` comes instead of it under `brutal_kill`, and after it when the
   * deadline has passed: free at once what can be freed at once, such as a process or a socket.
   */
  stop(reason: StopReason): void | Promise<void>;
}

/** A child's line to its supervisor. One per life: a restarted child gets a new one. */
export interface Link {
  readonly id: string;
  /** What this child was granted, as its spec says. */
  readonly permissions: readonly string[];
  /** Aborted when the supervisor has to stop while `start` is still pending: give up starting. */
  readonly signal: AbortSignal;
  /** Reports the child's own end. The first call counts; later ones are ignored, counted and observed.
   *
   * @param because what brought a supervisor down; restarts do not depend on it, last lines quote it
   */
  exit(reason: ExitReason, because?: SupervisorEnd): void;
}

/** How a child ended, or failed to start. `at` in epoch milliseconds. */
export interface Exit {
  readonly reason: ExitReason;
  readonly at: number;
  readonly because: SupervisorEnd | null;
}

/** How a supervisor ended. */
export type SupervisorEnd =
  | { readonly kind: "stopped" }
  | { readonly kind: "killed" }
  | { readonly kind: "auto_shutdown"; readonly supervisor: string; readonly child: string }
  | {
      readonly kind: "escalated";
      readonly supervisor: string;
      /** The child whose end was one too many, and how it ended. */
      readonly child: string;
      readonly reason: ExitReason;
      readonly max_restarts: number;
      readonly period_ms: number;
      /** Set when that child was a supervisor with a story of its own. */
      readonly because: SupervisorEnd | null;
    };

/** `permanent`: always restarted. `transient`: only after a failure. `temporary`: never, and its spec is dropped. */
export type Restart = "permanent" | "transient" | "temporary";
/** Milliseconds for a child to stop in; `infinity` waits for ever; `brutal_kill` does not wait at all. */
export type Shutdown = number | "infinity" | "brutal_kill";
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** What a supervisor has to know of a child besides how to start it. All optional, with OTP's defaults. */
export interface ChildTraits {
  /** Default `permanent`. */
  readonly restart?: Restart;
  /** Default 5000 ms for a worker, `infinity` for a supervisor. */
  readonly shutdown?: Shutdown;
  /** Default `worker`. */
  readonly type?: "worker" | "supervisor";
  /** Whether `auto_shutdown` looks at this child. Default false; never with `permanent`. */
  readonly significant?: boolean;
  /** Grants, by name. The supervisor carries them to the child's link and shows them; it enforces none. */
  readonly permissions?: readonly string[];
}

export interface ChildSpec<C extends Child = Child> extends ChildTraits {
  /** Unique under its supervisor. */
  readonly id: string;
  /** Returns the running child; a throw or a rejection is a failed start. */
  readonly start: (link: Link) => C | Promise<C>;
}

/** The spec with every default filled in. */
export function completeSpec<C extends Child>(spec: ChildSpec<C>): Required<ChildSpec<C>> {
  const type = spec.type ?? "worker";
  return {
    id: spec.id,
    start: spec.start,
    restart: spec.restart ?? "permanent",
    shutdown: spec.shutdown ?? (type === "supervisor" ? "infinity" : 5_000),
    type,
    significant: spec.significant ?? false,
    permissions: spec.permissions ?? [],
  };
}

/** What is wrong with a child's traits under a supervisor with this `auto_shutdown`; null when nothing is. */
export function traitsProblem(traits: ChildTraits, auto_shutdown: AutoShutdown): string | null {
  const { shutdown, significant, restart } = traits;
  if (typeof shutdown === "number" && !(Number.isFinite(shutdown) && shutdown >= 0)) {
    return `shutdown is ${shutdown}; expected milliseconds from 0, "infinity" or "brutal_kill"`;
  }
  if (significant !== true) return null;
  if (auto_shutdown === "never") {
    return `significant is true, and nothing would look at it; set the supervisor's auto_shutdown or drop it`;
  }
  if ((restart ?? "permanent") === "permanent") {
    return `significant is true on a permanent child, which never ends for good; make it transient or temporary`;
  }
  return null;
}

/** Whether a transient child that ended so is restarted. */
export function isFailure(reason: ExitReason): boolean {
  return reason === "killed" || (typeof reason === "object" && "crash" in reason);
}

/** The reason in a few words, for a log line. */
export function describeReason(reason: ExitReason): string {
  if (typeof reason === "string") return reason;
  return "crash" in reason ? `crash: ${reason.crash.message}` : `shutdown: ${String(reason.shutdown)}`;
}

/** How a supervisor ended, in one line that names the first cause: a process's last words. */
export function describeEnd(end: SupervisorEnd): string {
  switch (end.kind) {
    case "stopped":
      return "stopped in good order";
    case "killed":
      return "killed";
    case "auto_shutdown":
      return `supervisor "${end.supervisor}" shut down: significant child "${end.child}" ended`;
    case "escalated": {
      const line =
        `supervisor "${end.supervisor}" gave up: child "${end.child}" ended (${describeReason(end.reason)}) once more ` +
        `than max_restarts ${end.max_restarts} within ${end.period_ms} ms allows`;
      return end.because === null ? line : `${line}; because ${describeEnd(end.because)}`;
    }
  }
}

/** What was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
