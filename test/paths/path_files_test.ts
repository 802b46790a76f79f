// A path that was written out is the path that was walked: a recording that replays, to where the path ends.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { problemIn, readRecordLine } from "../../adapters/recording/mod.ts";
import { createReplay, type RecordedStep } from "../../machines/mod.ts";
import { BONK, LEDGER, START } from "../machines/scenario.ts";
import { endOf, explore, walk } from "./graph.ts";
import { stateOf } from "./model.ts";
import { filesOf, toDrawing, toJsonLines } from "./path_files.ts";

const SCRIPT = join(import.meta.dirname, "write_paths.ts");
const origin = { ledgerId: LEDGER, symbol: BONK, start: START };
const { paths } = explore(origin);

function recordsIn(text: string): readonly RecordedStep[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      expect(problemIn(line)).toBeNull();
      const read = readRecordLine(line);
      if (!read.ok) throw new Error(read.problem);
      return read.record;
    });
}

test("what is written of a path is a recording that replays, down to what the machine remembers", () => {
  for (const path of paths) {
    const records = recordsIn(toJsonLines(path, origin));
    const replay = createReplay({ compareContext: true });
    const title = path.labels.join(" → ");
    for (const record of records) expect(replay.take(record), title).toMatchObject({ kind: "same" });
    expect(records.at(-1)).toMatchObject({ state: stateOf(endOf(path, origin)) });
    expect(records.map(({ event }) => event)).toEqual(
      walk(path, origin).flatMap(({ move, after }) => (after.isNews ? [move.event] : [])),
    );
  }
});

test("a path is drawn as the states on its way, each arrow with its step", () => {
  const path = { labels: ["requested", "quote", "rejected (symbol)", "imported (1)"] };
  expect(toDrawing(path, origin).split("\n")).toEqual([
    "stateDiagram-v2",
    '  state "idle" as idle',
    '  state "purging.quoting" as purging_quoting',
    '  state "purging.deciding" as purging_deciding',
    '  state "purging.placing" as purging_placing',
    '  state "purging.done" as purging_done',
    '  state "failed" as failed',
    "  [*] --> idle",
    "  idle --> purging_quoting : 1 requested",
    "  purging_quoting --> purging_deciding : 2 quote",
    "  purging_deciding --> purging_placing : 2",
    "  purging_placing --> purging_deciding : 3 rejected (symbol)",
    "  purging_deciding --> purging_done : 3",
    "  purging_done --> failed : 3",
    "  failed --> failed : 4 imported (1)",
    "",
  ]);
});

test("the script writes a recording and a drawing for every path, and a page that lists them", () => {
  const directory = mkdtempSync(join(tmpdir(), "paths-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const said = execFileSync(process.execPath, [SCRIPT, directory], { encoding: "utf8" });
  expect(said).toContain(`${paths.length} paths written to ${directory}`);
  const files = filesOf(paths, origin);
  expect(readdirSync(directory).toSorted()).toEqual(files.map(({ name }) => name).toSorted());
  for (const { name, text } of files) expect(readFileSync(join(directory, name), "utf8")).toBe(text);
  const rows = readFileSync(join(directory, "paths.md"), "utf8").split("\n");
  expect(rows.filter((row) => /^\| \d+_/.test(row))).toHaveLength(paths.length);
});

test("the script without a directory says what it expects", () => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT], { encoding: "utf8" });
  expect([status, stderr]).toEqual([
    2,
    "expected a directory to write to: node test/paths/write_paths.ts DIR\n",
  ]);
});
