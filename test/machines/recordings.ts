// Recordings for replays: what a scenario went through, as records; and machines that were changed on purpose.
import {
  type PurgeRun,
  type PurgeStep,
  type RecordedStep,
  SNAPSHOT_VERSION,
  type StartRun,
  startPurge,
} from "../../machines/mod.ts";
import { LEDGER, Scenario } from "./scenario.ts";

/** The steps of scenarios as one ledger, each scenario's after the other's. What a journal holds has gone through JSON. */
export function recordingOf(...scenarios: readonly Scenario[]): readonly RecordedStep[] {
  const steps = scenarios.flatMap(({ events, steps }) =>
    steps.map((step, index) => ({ step, event: events[index] })),
  );
  return steps.flatMap(({ event, step: { path, state, commands, snapshot } }, index) => {
    if (event === undefined) return [];
    const { at, symbol } = event;
    const record = { machine: SNAPSHOT_VERSION, ledger_id: LEDGER, seq: index + 1, at, symbol };
    return [structuredClone({ ...record, event, path, state, commands, snapshot })];
  });
}

/** Three refused attempts, the rest, and one that sells everything. */
export function story(scenario: Scenario = new Scenario()): Scenario {
  scenario.fail(3).reachDeadline();
  return scenario.sell();
}

/** The machine with its steps changed. */
export function changedMachine(change: (step: PurgeStep) => PurgeStep): StartRun {
  return (input) => {
    const run = startPurge(input);
    return {
      get state() {
        return run.state;
      },
      get context() {
        return run.context;
      },
      get snapshot() {
        return run.snapshot;
      },
      get pending() {
        return run.pending;
      },
      step: (event) => change(run.step(event)),
    } satisfies PurgeRun;
  };
}
