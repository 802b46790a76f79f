// Many machines that only step and are looked at, as in a replay: the machine's own transitions without an actor for each.
import { createActor } from "xstate";
import { pendingCommands } from "./commands.ts";
import type { PurgeCommand } from "./events.ts";
import { purgeMachine } from "./purge.ts";
import { dotted, type PurgeRun, SNAPSHOT_VERSION, startPurge } from "./purge_run.ts";

type Start = typeof startPurge;
type Scope = Parameters<typeof purgeMachine.transition>[2];

/** Starts machines that take the same steps as those of `startPurge`, faster and smaller: what an actor has besides its
 * machine (mailbox, observers, inspection of each action) is there once for all of them.
 *
 * The machines that one of these has started step one at a time.
 */
export function steppedMachines(): Start {
  let commands: PurgeCommand[] = [];
  let scope: Scope | null = null;
  return (input) => {
    // Checks a stored snapshot, and knows how a machine begins.
    const begun = startPurge(input);
    scope ??= scopeOf(input, (command) => commands.push(command));
    const here = scope;
    let now = purgeMachine.resolveState({ value: begun.snapshot.value, context: begun.context });
    let state = begun.state;
    const snapshot = () => ({ version: SNAPSHOT_VERSION, value: now.value, context: now.context });
    return {
      get state() {
        return state;
      },
      get context() {
        return now.context;
      },
      get snapshot() {
        return snapshot();
      },
      get pending() {
        return pendingCommands(state, now.context);
      },
      step(event) {
        commands = [];
        const path: string[] = [];
        const before = now.context;
        for (const next of purgeMachine.microstep(now, event, here)) {
          now = next;
          const entered = dotted(now.value);
          if (entered !== state) path.push(entered);
          state = entered;
        }
        const changed = now.context !== before || path.length > 0 || commands.length > 0;
        return { changed, path, state, commands, snapshot: snapshot() };
      },
    } satisfies PurgeRun;
  };
}

/** What the machine needs of an actor to step. The chart spawns nothing and waits for nothing, so one actor, which never
 * starts, does for all. */
function scopeOf(
  input: { readonly ledgerId: string; readonly symbol: Parameters<Start>[0]["symbol"] },
  ask: (command: PurgeCommand) => void,
): Scope {
  const self = createActor(purgeMachine, { input });
  // Nothing in the chart logs, or has children.
  const unused = self.stop.bind(self);
  return {
    self,
    id: self.id,
    sessionId: self.sessionId,
    logger: unused,
    system: self.system,
    defer: (act) => act(),
    emit: ({ command }) => ask(command),
    stopChild: unused,
    actionExecutor: ({ exec, info, params }) => exec?.(info, params),
  };
}
