// What a matcher finds: whether it holds, what to say, and two values whose difference says the rest. No test runner in here.
import { commandWords, stepRow, STEP_HEAD } from "../adapters/recording/mod.ts";
import {
  createReplay,
  differencesIn,
  formatDivergence,
  isSame,
  type PurgeCommand,
  type RecordedStep,
} from "../machines/mod.ts";
import { type Duration, inWords, milliseconds } from "./duration.ts";
import { ScenarioError } from "./errors.ts";
import { type JournalSource, nameOf, recordsOf } from "./journal_file.ts";
import { Run } from "./run.ts";
import { checkState, isIn } from "./states.ts";

/** What Vitest wants of a matcher. */
export interface Finding {
  readonly pass: boolean;
  readonly message: () => string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

/** A command by its type, `order.place`, or by what must be in it. */
export type SentCommand =
  | PurgeCommand["type"]
  | { readonly type: PurgeCommand["type"]; readonly [field: string]: unknown };

/** The states were entered in this order; others may lie between. */
export function haveVisited(received: unknown, states: readonly string[]): Finding {
  const run = runIn(received, "toHaveVisited");
  wantSome(states, "toHaveVisited", "name a state, or use expect(run.visited)");
  for (const state of states) checkState(state, "toHaveVisited");
  const pass = isVisited(run.visited, states);
  return {
    pass,
    message: () =>
      pass
        ? `${run.symbol} did visit ${states.join(", ")}, in this order`
        : `${run.symbol} did not visit ${states.join(", ")} in this order (others may lie between)`,
    actual: condensed(run.visited, states),
    expected: states,
  };
}

/** Commands were sent in this order; others may lie between. */
export function haveSent(received: unknown, commands: readonly SentCommand[]): Finding {
  const run = runIn(received, "toHaveSent");
  wantSome(commands, "toHaveSent", "name a command, or use expect(run.sent)");
  let next = 0;
  for (const command of run.sent) {
    const wanted = commands[next];
    if (wanted !== undefined && isSent(command, wanted)) next += 1;
  }
  const pass = next === commands.length;
  const missing = commands[next];
  return {
    pass,
    message: () =>
      pass
        ? `${run.symbol} did send ${commands.map(said).join(", ")}, in this order`
        : `${run.symbol} did not send ${missing === undefined ? "" : said(missing)}${next === 0 ? "" : ` after ${commands.slice(0, next).map(said).join(", ")}`} (others may lie between)`,
    actual: run.sent.map((command) =>
      commands.every((one) => typeof one === "string") ? command.type : shown(command),
    ),
    expected: commands.map(said),
  };
}

/** That many different orders were placed. */
export function havePlaced(received: unknown, count: number): Finding {
  const run = runIn(received, "toHavePlaced");
  const placed = run.sent.filter(({ type }) => type === "order.place");
  return counted(run, "orders placed", placed.length, count, placed.map(shown));
}

/** That many attempts in a row have failed, at the end. */
export function haveFailed(received: unknown, count: number): Finding {
  const run = runIn(received, "toHaveFailed");
  return counted(run, "failures in a row", run.failures, count, [`${run.symbol} ends in ${run.state}`]);
}

/** The stays in a state were so long, one after the other. */
export function haveWaited(
  received: unknown,
  durations: Duration | readonly Duration[],
  state: string,
): Finding {
  const run = runIn(received, "toHaveWaited");
  checkState(state, "toHaveWaited");
  const expected = (isList(durations) ? durations : [durations]).map((one) => inWords(milliseconds(one)));
  const stays = run.staysIn(state);
  const actual = stays.map(({ ms }) => inWords(ms));
  const pass = actual.length === expected.length && actual.every((one, index) => one === expected[index]);
  const open = stays.at(-1)?.isOver === false ? ", and is still there" : "";
  return {
    pass,
    message: () =>
      `${run.symbol} was in ${state} ${actual.length === 0 ? "never" : `for ${actual.join(", ")}`}${open}; expected ${pass ? "anything else" : expected.join(", ")}`,
    actual,
    expected,
  };
}

/** The symbol ends in this state, or within it. */
export function beIn(received: unknown, state: string, matcher = "toBeIn"): Finding {
  const run = runIn(received, matcher);
  checkState(state, matcher);
  const pass = isIn(run.state, state);
  const why = run.context?.last_failure?.error;
  const because = pass || why === undefined ? "" : `; its last failure: ${why}`;
  return {
    pass,
    message: () =>
      `${run.symbol} ends in ${run.state}; expected ${pass ? "any other state" : state}${because}`,
    actual: run.state,
    expected: state,
  };
}

/** The machine, given the recorded events, comes to the recorded states, commands and memory. */
export function replayAgain(received: unknown): Finding {
  const source = sourceIn(received, "toReplay");
  const replay = createReplay({ compareContext: true });
  const name = nameOf(source);
  for (const record of recordsOf(source)) {
    const taken = replay.take(record);
    if (taken.kind === "refused") return { pass: false, message: () => `${name}: ${taken.message}` };
    if (taken.kind === "differs") {
      const { divergence } = taken;
      const { expected, actual } = divergence;
      return { pass: false, message: () => `${name}: ${formatDivergence(divergence)}`, actual, expected };
    }
  }
  return { pass: true, message: () => `${name} replays without a divergence` };
}

/** What is different between two journals, for people: their steps as rows, and the fields of the first that differs. */
export function journalFinding(stored: JournalSource, run: Run): Finding {
  const [before, now] = [recordsOf(stored), recordsOf(run)];
  const index = before.findIndex((record, at) => !isSameRecord(record, now[at]));
  const at = index === -1 ? before.length : index;
  const first = now[at] ?? before[at];
  const fields =
    before[at] === undefined || now[at] === undefined
      ? []
      : differencesIn(plain(before[at]), plain(now[at]), "record");
  const lines = fields
    .slice(0, FIELDS_MAX)
    .flatMap(({ field, expected, actual }) => [
      `- ${field}: ${JSON.stringify(expected) ?? "(nothing)"}`,
      `+ ${field}: ${JSON.stringify(actual) ?? "(nothing)"}`,
    ]);
  const more = fields.length > FIELDS_MAX ? [`… and ${fields.length - FIELDS_MAX} more`] : [];
  const head = `${nameOf(stored)} is another journal from seq ${first?.seq ?? "?"} on; run vitest -u where that is meant`;
  return {
    pass: false,
    message: () => [head, ...lines, ...more].join("\n"),
    actual: [STEP_HEAD, ...now.map(stepRow)].join("\n"),
    expected: [STEP_HEAD, ...before.map(stepRow)].join("\n"),
  };
}

/** @throws TypeError when it is none, which is a slip in a test */
export function runIn(received: unknown, matcher: string): Run {
  if (received instanceof Run) return received;
  const hint = received instanceof Promise ? "a promise: write await before play" : typeof received;
  throw new TypeError(`${matcher} expects what play or playJournal resolves to, and was given ${hint}`);
}

const FIELDS_MAX = 12;

/** An empty list would hold for every run. */
function wantSome(list: readonly unknown[], matcher: string, advice: string): void {
  if (list.length > 0) return;
  throw new ScenarioError({ message: `${matcher} was given an empty list; ${advice}` });
}

function sourceIn(received: unknown, matcher: string): JournalSource {
  return typeof received === "string" || received instanceof URL ? received : runIn(received, matcher);
}

function isVisited(visited: readonly string[], states: readonly string[]): boolean {
  let next = 0;
  for (const [index, state] of visited.entries()) {
    const wanted = states[next];
    if (wanted === undefined || !isIn(state, wanted)) continue;
    // To be in `purging` twice, it has to be left in between.
    const before = visited[index - 1];
    const isEntry = before === undefined || before === state || !isIn(before, wanted);
    if (isEntry) next += 1;
  }
  return next === states.length;
}

/** What was visited, in no more detail than was asked for. */
function condensed(visited: readonly string[], states: readonly string[]): readonly string[] {
  const named = visited.map(
    (state) => states.find((wanted) => isIn(state, wanted)) ?? state.split(".", 1).join(),
  );
  // After `backoff.waiting`, which was asked for, the rest of `backoff` says nothing.
  return named.filter((state, index) => !isIn(named[index - 1] ?? "", state));
}

function counted(
  run: Run,
  what: string,
  actual: number,
  expected: number,
  detail: readonly string[],
): Finding {
  const pass = actual === expected;
  return {
    pass,
    message: () =>
      [`${run.symbol}: ${actual} ${what}, expected ${pass ? "another number" : expected}`, ...detail].join(
        "\n  ",
      ),
    actual,
    expected,
  };
}

function isSent(command: PurgeCommand, wanted: SentCommand): boolean {
  if (typeof wanted === "string") return command.type === wanted;
  const fields: Readonly<Record<string, unknown>> = {
    ...command,
    ...("order" in command ? command.order : {}),
  };
  return Object.entries(wanted).every(([name, value]) =>
    name === "type" ? command.type === value : fields[name] === value,
  );
}

const said = (wanted: SentCommand): string => {
  if (typeof wanted === "string") return wanted;
  const { type, ...fields } = wanted;
  return [type, ...Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)].join(" ");
};

const shown = (command: PurgeCommand): string => commandWords(command);

function isList(value: Duration | readonly Duration[]): value is readonly Duration[] {
  return Array.isArray(value);
}

function plain({ machine, seq, at, symbol, event, path, state, commands, snapshot }: RecordedStep) {
  return { machine, seq, at, symbol, event, path, state, commands, snapshot };
}

function isSameRecord(one: RecordedStep, other: RecordedStep | undefined): boolean {
  return other !== undefined && isSame(plain(one), plain(other));
}
