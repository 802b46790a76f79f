// What replay is measured against, in a process of its own: `node --expose-gc replay_bare.ts FILE` sends a recording's events
// to bare XState actors of the same machine, one a symbol, and prints how long the machine itself took.
import { linesOf, partsOf, readRecordLine } from "../../adapters/recording/mod.ts";
import type { RecordedStep } from "../../machines/mod.ts";
import { bareActors, type Given } from "./replay_actors.ts";

/** Events in memory at a time: reading them is not part of the measurement, and neither is the garbage that it leaves. */
const BLOCK = 20_000;

const give = bareActors();
let block: Given[] = [];
let events = 0;
let elapsedMs = 0;
let cpuMicros = 0;

function send(): void {
  globalThis.gc?.();
  const since = performance.now();
  const before = process.cpuUsage();
  for (const given of block) give(given);
  elapsedMs += performance.now() - since;
  const { user, system } = process.cpuUsage(before);
  cpuMicros += user + system;
  events += block.length;
  block = [];
}

function recordIn(line: Uint8Array | null): RecordedStep {
  const read = readRecordLine(line ?? "");
  if (!read.ok) throw new Error(read.problem);
  return read.record;
}

const [file = ""] = process.argv.slice(2);
for await (const { lines } of linesOf(partsOf(file))) {
  for (const line of lines) {
    const { ledger_id, symbol, event } = recordIn(line);
    block.push({ ledger_id, symbol, event });
  }
  if (block.length >= BLOCK) send();
}
send();
console.log(JSON.stringify({ events, seconds: elapsedMs / 1_000, cpuSeconds: cpuMicros / 1e6 }));
