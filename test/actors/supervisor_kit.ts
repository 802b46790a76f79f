// Children that do as they are told and note when they are started and stopped, under a clock that is moved by hand.
import * as Result from "effect/Result";
import { expect } from "vitest";
import type {
  Child,
  ChildSpec,
  ChildTraits,
  ExitReason,
  Link,
  StopReason,
  SupervisorEnd,
} from "../../actors/child_spec.ts";
import { type Supervisor, type SupervisorSpec, startSupervisor } from "../../actors/supervisor.ts";
import type { World } from "../../actors/supervisor_core.ts";
import type { SupervisorEvent } from "../../actors/supervisor_events.ts";
import { type VirtualClock, virtualClock } from "../../adapters/clock/mod.ts";

/** How a child behaves beyond starting and stopping at once. */
export interface Conduct {
  /** Runs inside `start`, before the child is returned: throw to fail, return a promise to start later. */
  readonly starting?: (link: Link) => void | Promise<void>;
  /** Runs inside `stop`; throw to fail, return a promise to stop later. */
  readonly stopping?: (reason: StopReason, link: Link) => void | Promise<void>;
}

export class Stage {
  readonly clock: VirtualClock = virtualClock();
  readonly events: SupervisorEvent[] = [];
  readonly world: World = { clock: this.clock, observe: (event) => this.events.push(event) };
  /** The link of each child's latest life. */
  readonly links = new Map<string, Link>();
  #trace: string[] = [];

  /** What was started and stopped since the last call, such as `["start a", "stop b"]`; `kill` for a brutal stop. */
  trace(): readonly string[] {
    return this.#trace.splice(0);
  }

  child(id: string, traits: ChildTraits = {}, conduct: Conduct = {}): ChildSpec {
    return { id, ...traits, start: (link) => this.start(link, conduct) };
  }

  start(link: Link, conduct: Conduct = {}): Child | Promise<Child> {
    this.#trace.push(`start ${link.id}`);
    this.links.set(link.id, link);
    const child: Child = {
      stop: (reason) => {
        this.#trace.push(`${reason === "killed" ? "kill" : "stop"} ${link.id}`);
        return conduct.stopping?.(reason, link);
      },
    };
    const starting = conduct.starting?.(link);
    return starting instanceof Promise ? starting.then(() => child) : child;
  }

  exit(id: string, reason: ExitReason, because?: SupervisorEnd): void {
    const link = this.links.get(id);
    if (link === undefined) throw new Error(`no child "${id}" was ever started`);
    link.exit(reason, because);
  }

  crash(...ids: readonly string[]): void {
    for (const id of ids) this.exit(id, { crash: new Error(`${id} broke`) });
  }

  /** What was observed since the last call, one line each: `exited a (crash: a broke)`. */
  observed(): readonly string[] {
    return this.events.splice(0).map((event) => {
      const detail = "reason" in event ? ` (${describe(event.reason)})` : "";
      return `${event.kind} ${event.child}${detail}`;
    });
  }

  supervise(spec: Partial<SupervisorSpec> & Pick<SupervisorSpec, "children">): Promise<Supervisor> {
    return startSupervisor({ name: "root", ...spec }, this.world).then(Result.getOrThrow);
  }
}

function describe(reason: ExitReason): string {
  if (typeof reason === "string") return reason;
  return "crash" in reason ? reason.crash.message : `shutdown ${String(reason.shutdown)}`;
}

/** Ids of the running children, in start order. */
export function alive(supervisor: Pick<Supervisor, "whichChildren">): readonly string[] {
  return supervisor
    .whichChildren()
    .filter((child) => child.status === "running")
    .map((child) => child.id);
}

/** How the supervisor ended; null while it runs. */
export async function endOf(supervisor: Pick<Supervisor, "exited">): Promise<SupervisorEnd | null> {
  return Promise.race([supervisor.exited, new Promise<null>((resolve) => setImmediate(resolve, null))]);
}

export function failure<E>(result: Result.Result<unknown, E>): E {
  if (Result.isFailure(result)) return result.failure;
  return expect.fail("this was to be refused, and was not");
}

export const never = (): Promise<void> => new Promise(() => {});
