// A path as files: a recording, which `purgatory replay` takes, and a drawing of the way that it takes.
import { recordLine } from "../../adapters/recording/mod.ts";
import { SNAPSHOT_VERSION } from "../../machines/mod.ts";
import { endOf, type Path, type Step, walk } from "./graph.ts";
import { type Origin, stateOf } from "./model.ts";

export interface PathFile {
  readonly name: string;
  readonly text: string;
}

/** For each path its recording (`.jsonl`) and its drawing (`.mmd`), and one page that lists them all. */
export function filesOf(paths: readonly Path[], origin: Origin): readonly PathFile[] {
  const digits = String(paths.length).length;
  const named = paths.map((path, index) => {
    const end = stateOf(endOf(path, origin));
    return { path, end, name: `${String(index + 1).padStart(digits, "0")}_${end.replaceAll(".", "_")}` };
  });
  const files = named.flatMap(({ name, path }) => [
    { name: `${name}.jsonl`, text: toJsonLines(path, origin) },
    { name: `${name}.mmd`, text: toDrawing(path, origin) },
  ]);
  const rows = named.map(({ name, path, end }) => `| ${name} | \`${end}\` | ${path.labels.join(" → ")} |`);
  const list = ["| file | ends in | path |", "| --- | --- | --- |", ...rows];
  return [...files, { name: "paths.md", text: `# ${paths.length} paths\n\n${list.join("\n")}\n` }];
}

/** A path as the journal of a ledger of its own. What says nothing new is not in a journal, and not here. */
export function toJsonLines(path: Path, origin: Origin): string {
  const { ledgerId: ledger_id, symbol } = origin;
  const news = walk(path, origin).filter(({ after }) => after.isNews);
  const lines = news.map(({ move: { event }, after }, index) => {
    const { path, commands, value, context } = after;
    const snapshot = { version: SNAPSHOT_VERSION, value, context };
    const step = { event, path, state: stateOf(after), commands, snapshot };
    return `${recordLine({ ledger_id, seq: index + 1, at: event.at, symbol, ...step })}\n`;
  });
  return lines.join("");
}

/** A Mermaid state diagram of the states on the way. Arrows carry the number of their step; the first of each step, what
 * happened. */
export function toDrawing(path: Path, origin: Origin): string {
  const steps = walk(path, origin);
  const states = new Set(["idle", ...steps.flatMap(({ after }) => after.path)]);
  const boxes = [...states].map((state) => `  state "${state}" as ${idOf(state)}`);
  return ["stateDiagram-v2", ...boxes, "  [*] --> idle", ...steps.flatMap(arrowsOf), ""].join("\n");
}

function arrowsOf({ before, move, after }: Step, index: number): readonly string[] {
  // A step that stays where it is has no way to show but the loop.
  const way = [stateOf(before), ...(after.path.length === 0 ? [stateOf(after)] : after.path)];
  return way.slice(1).map((to, n) => {
    const label = n === 0 ? `${index + 1} ${move.label}` : `${index + 1}`;
    return `  ${idOf(way[n] ?? to)} --> ${idOf(to)} : ${label}`;
  });
}

const idOf = (state: string): string => state.replaceAll(".", "_");
