// What each stage of a replay costs alone: `node --expose-gc replay_stages.ts FILE` prints microseconds a record.
import { bareActors } from "./replay_actors.ts";
import { linesOf, partsOf, type ReadRecord, readRecordLine } from "../../adapters/recording/mod.ts";
import { createReplay, type PurgeRun, startPurge } from "../../machines/mod.ts";
import { steppedMachines } from "../../machines/replay_run.ts";

/** No more than these, so that it takes seconds. */
const RECORDS = 200_000;
const BLOCK = 10_000;

const took = { lines: 0, read: 0, step: 0, replay: 0, bare: 0, run: 0 };
let records = 0;

/** What was left by what came before is not to be cleared away in its time. */
function timed(stage: keyof typeof took, work: () => void): void {
  globalThis.gc?.();
  const since = performance.now();
  work();
  took[stage] += performance.now() - since;
}

function stepping(start: typeof startPurge): (record: ReadRecord) => void {
  const runs = new Map<string, PurgeRun>();
  return ({ ledger_id: ledgerId, symbol, event }) => {
    const run = runs.get(symbol) ?? start({ ledgerId, symbol });
    runs.set(symbol, run);
    run.step(event);
  };
}

const step = stepping(steppedMachines());
const inRun = stepping(startPurge);
const bare = bareActors();
const replay = createReplay();

function take(lines: readonly (Buffer | null)[]): void {
  const block: ReadRecord[] = [];
  timed("read", () => {
    for (const line of lines) {
      const read = readRecordLine(line ?? "");
      if (!read.ok) throw new Error(read.problem);
      block.push(read.record);
    }
  });
  timed("step", () => block.forEach(step));
  timed("bare", () => block.forEach(bare));
  timed("run", () => block.forEach(inRun));
  timed("replay", () => {
    for (const record of block) if (replay.take(record).kind !== "same") throw new Error("a divergence");
  });
  records += block.length;
}

const [file = ""] = process.argv.slice(2);
let block: (Buffer | null)[] = [];
let since = performance.now();
for await (const { lines } of linesOf(partsOf(file))) {
  took.lines += performance.now() - since;
  block.push(...lines.map((line) => line && Buffer.from(line)));
  if (block.length >= BLOCK) {
    take(block);
    block = [];
  }
  if (records >= RECORDS) break;
  since = performance.now();
}
take(block);
const each = Object.entries(took).map(([stage, ms]) => [stage, (ms * 1_000) / records]);
console.log(JSON.stringify({ records, ...Object.fromEntries(each) }));
