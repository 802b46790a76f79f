// How simulated seeds are told: lines for people, documents for programs. No time of the machine that ran them is in either.
import type { SimulateCommand } from "./command.ts";
import { type Sums, sum } from "./simulate_tally.ts";
import type { ManyEnd, SeedReport, ShrunkSeed, Struck } from "./simulate_room.ts";
import { plainLine } from "./terminal_text.ts";

/** Which program it was. */
export interface Program {
  readonly version: string;
  /** In full; null where nobody knows. */
  readonly commit: string | null;
}

/** A broken seed at its shortest. */
export interface Shrunk {
  readonly shrunk: ShrunkSeed;
  /** The last lines of its trace. */
  readonly trace: readonly string[];
}

export interface View {
  readonly command: SimulateCommand;
  readonly program: Program;
  /** By name of an invariant: its promise. */
  readonly promises: Readonly<Record<string, string>>;
}

/** How a line of a trace looks: time first. `at` in epoch milliseconds of the world. */
export function traceLine(at: number, line: string): string {
  return `${new Date(at).toISOString()} ${plainLine(line)}`;
}

/** A broken seed, as soon as it is known. */
export function brokenLines({ program, promises }: View, report: SeedReport): readonly string[] {
  const { seed, layout, violation, simulatedMs } = report;
  if (violation === null) return [];
  const { invariant, message, at } = violation;
  return [
    `Seed ${seed} broke a promise: ${invariant}: ${promises[invariant] ?? ""}`,
    `  what      ${plainLine(message)}`,
    `  when      ${new Date(at).toISOString()}, ${offset(simulatedMs)} after the beginning`,
    `  programs  ${layout}`,
    `  version   ${versionText(program)}`,
    "",
  ];
}

/** The faults that it takes, and what happened last. */
export function shrunkLines(
  { command }: View,
  { seed, ...found }: Shrunk & { seed: number },
): readonly string[] {
  const { shrunk, trace } = found;
  const { struck, simulated, isMinimal, runs } = shrunk;
  const begin = beginOf(simulated);
  const least = isMinimal ? "none of which can be left out" : "perhaps not the fewest";
  return [
    `Seed ${seed} with ${count(struck.length, "fault")}, ${least} (${count(runs, "run")}):`,
    ...struck.map(({ id, at }) => `  ${offset(at - begin)}  ${plainLine(id)}`),
    "The last of what happens then:",
    ...trace.map((line) => `  ${line}`),
    `All of what happened at first: purgatory simulate --seed ${seed} --minutes ${command.minutes} --trace`,
    "",
  ];
}

export function summaryLines({ command, program }: View, sums: Sums, end: ManyEnd): readonly string[] {
  const { seeds, firstSeed } = command;
  const range = seeds === 1 ? `${firstSeed}` : `${firstSeed} to ${firstSeed + seeds - 1}`;
  const isCut = end.kind !== "done";
  const broken = sum(Object.values(sums.broken));
  const rows: readonly (readonly [string, string])[] = [
    ["seeds", isCut ? `${number(sums.seeds)} of ${range}, then ${ended(end)}` : range],
    ["programs", counts(sums.layouts) || "none"],
    ["time", `${hours(sums)} h simulated, with trouble in the first ${command.minutes} min of each`],
    ["records", `${number(sums.records)}, by ${number(sums.processes)} processes`],
    ["faults", `${number(sum(Object.values(sums.faults)))}: ${counts(sums.faults) || "none"}`],
    [
      "in store",
      `for ${count(sum(Object.values(sums.inStore)), "order")}: ${counts(sums.inStore) || "nothing"}`,
    ],
    ["broken", broken === 0 ? "none" : `${count(broken, "seed")}: ${counts(sums.broken)}`],
    ["version", versionText(program)],
    ["digest", sums.digest],
  ];
  return ["Summary", ...rows.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`)];
}

/** @param found null where it was not made short: only the first of many are */
export function brokenDocument(view: View, report: SeedReport, found: Shrunk | null): unknown {
  const { seed, layout, violation, simulatedMs, digest } = report;
  return {
    kind: "broken",
    seed,
    minutes: view.command.minutes,
    layout,
    invariant: violation?.invariant ?? null,
    promise: view.promises[violation?.invariant ?? ""] ?? null,
    message: violation?.message ?? null,
    at: violation === null ? null : new Date(violation.at).toISOString(),
    after_ms: simulatedMs,
    ...view.program,
    digest,
    shrunk: found === null ? null : shrunkDocument(found),
  };
}

export function summaryDocument({ command, program }: View, sums: Sums, end: ManyEnd): unknown {
  return {
    kind: "summary",
    ...program,
    first_seed: command.firstSeed,
    seeds: sums.seeds,
    minutes: command.minutes,
    simulated_ms: sums.simulatedMs,
    records: sums.records,
    processes: sums.processes,
    layouts: sums.layouts,
    faults: sum(Object.values(sums.faults)),
    faults_by_kind: sums.faults,
    in_store: sum(Object.values(sums.inStore)),
    in_store_by_kind: sums.inStore,
    broken: sum(Object.values(sums.broken)),
    broken_by_invariant: sums.broken,
    end: end.kind,
    digest: sums.digest,
  };
}

/** How far it is, for a bar. */
export function progressText(
  seeds: number,
  sums: Pick<Sums, "seeds" | "simulatedMs">,
  struck: number,
  broken: number,
) {
  return `${number(sums.seeds)} of ${count(seeds, "seed")}, ${hours(sums)} h, ${count(struck, "fault")}, ${number(broken)} broken`;
}

function shrunkDocument({ shrunk, trace }: Shrunk): unknown {
  const { struck, simulated, isMinimal, runs } = shrunk;
  const begin = beginOf(simulated);
  const faults = struck.map(({ id, at }: Struck) => ({ fault: id, after_ms: at - begin }));
  return { faults, is_minimal: isMinimal, runs, trace };
}

/** When a broken world began, epoch milliseconds of it. */
function beginOf({ violation, simulatedMs }: ShrunkSeed["simulated"]): number {
  return (violation?.at ?? 0) - simulatedMs;
}

function ended(end: ManyEnd): string {
  return end.kind === "died" ? `seed ${end.seed} came to no end` : "told to stop";
}

function versionText({ version, commit }: Program): string {
  return commit === null ? version : `${version}, commit ${commit.slice(0, 12)}, as checked out`;
}

/** `0:03:12.500` */
function offset(ms: number): string {
  const text = new Date(ms).toISOString().slice(14, -1);
  return `${Math.floor(ms / 3_600_000)}:${text}`;
}

function hours({ simulatedMs }: Pick<Sums, "simulatedMs">): string {
  return (simulatedMs / 3_600_000).toLocaleString("en", { maximumFractionDigits: 1 });
}

function counts(record: Readonly<Record<string, number>>): string {
  return Object.entries(record)
    .map(([name, times]) => `${name} ${number(times)}`)
    .join(", ");
}

function count(times: number, what: string): string {
  return `${number(times)} ${what}${times === 1 ? "" : "s"}`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
