// One place for a child under its supervisor, and what it looks like from outside.
import type { Life } from "./child_life.ts";
import type { Child, ChildSpec, Exit } from "./child_spec.ts";

/** One child as seen from outside. */
export interface ChildInfo {
  readonly id: string;
  readonly type: "worker" | "supervisor";
  readonly restart: "permanent" | "transient" | "temporary";
  readonly significant: boolean;
  readonly permissions: readonly string[];
  readonly status: "starting" | "running" | "stopping" | "restarting" | "stopped";
  /** How often its supervisor restarted it, also because of a sibling. */
  readonly restarts: number;
  /** Epoch milliseconds and milliseconds; null while it does not run. */
  readonly startedAt: number | null;
  readonly uptimeMs: number | null;
  /** How its last life ended, or failed to begin. */
  readonly lastExit: Exit | null;
}

export interface ChildCounts {
  readonly specs: number;
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** One place for a child. */
export interface Slot<C extends Child> {
  readonly spec: Required<ChildSpec<C>>;
  /** Set from the call of `start` until its end has been dealt with. */
  life: Life<C> | null;
  /** A restart has failed and is about to be tried again. */
  restarting: boolean;
  restarts: number;
  lastExit: Exit | null;
}

export function newSlot<C extends Child>(spec: Required<ChildSpec<C>>): Slot<C> {
  return { spec, life: null, restarting: false, restarts: 0, lastExit: null };
}

/** `now` in epoch milliseconds. */
export function describeSlot<C extends Child>(slot: Slot<C>, now: number): ChildInfo {
  const { spec, life, restarting, restarts, lastExit } = slot;
  const { id, type, restart, significant, permissions } = spec;
  const startedAt = life === null || life.phase === "ended" ? null : life.startedAt;
  const idle = restarting ? "restarting" : "stopped";
  return {
    id,
    type,
    restart,
    significant,
    permissions,
    status: life === null || life.phase === "ended" ? idle : life.phase,
    restarts,
    startedAt,
    uptimeMs: startedAt === null ? null : now - startedAt,
    lastExit,
  };
}
