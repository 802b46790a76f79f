// A supervisor that sells through the Python gateway: what is started, and what is read of it afterwards.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { type JournalReader, openJournalReader } from "../../adapters/journal/mod.ts";
import { type Running, startPurgatory } from "../e2e/killable_run.ts";
import { findNatsServer, type NatsServer, startNatsServer } from "../nats_server.ts";
import { type PythonEnded, type PythonProgram, runPython, startPython } from "./python_program.ts";

const SHIPPED = join(import.meta.dirname, "../../config");
const EXCHANGES = join(import.meta.dirname, "exchanges");

const POLICY = `
portfolio_management:
  purge_execution: { replace_seconds: 2, max_duration_seconds: 60, max_residual_usd: 2, max_slices: 10 }
loop: { interval_seconds: 2 }
`;

const Seen = Schema.fromJsonString(
  Schema.Struct({
    ledger_id: Schema.String,
    seq: Schema.Number,
    at: Schema.String,
    symbol: Schema.String,
    event: Schema.String,
    path: Schema.Array(Schema.String),
    state: Schema.String,
    sequence: Schema.Number,
  }),
);
/** A transition as watch.py prints it. */
export type Seen = typeof Seen.Type;
const decodeSeen = Schema.decodeUnknownSync(Seen);

export function seenBy({ lines }: Pick<PythonProgram, "lines">): readonly Seen[] {
  return lines.map((line) => decodeSeen(line));
}

/** The path of one of the exchanges that come with the programs. */
export const exchangeFile = (name: string): string => join(EXCHANGES, name);

export interface PythonStory {
  readonly server: NatsServer;
  readonly supervisor: Running;
  readonly gateway: PythonProgram;
  readonly watch: PythonProgram;
  readonly watchBySequence: PythonProgram;
  /** Waits until watch.py has shown a transition. */
  until(holds: (seen: Seen) => boolean): Promise<void>;
  control(...args: readonly string[]): Promise<PythonEnded>;
  /** Stops supervisor and gateway in good order. */
  finish(): Promise<{ readonly code: number | null; readonly gateway: PythonEnded }>;
  journal(): Promise<JournalReader>;
  close(): Promise<void>;
}

/** Starts a server, `purgatory run --gateway external`, and the Python programs: each a process of its own.
 *
 * @param graceCycles after which WLFI, which is only ineligible, is sold too
 */
export async function startPythonStory({ graceCycles = 2 } = {}): Promise<PythonStory> {
  process.env["NATS_SERVER"] = findNatsServer(process.env);
  const root = mkdtempSync(join(tmpdir(), "purgatory-python-"));
  const config = join(root, "config");
  for (const file of ["universe.yaml", "app.yaml"]) cpSync(join(SHIPPED, file), join(config, file));
  const grace = `liquidity: { eligibility_persistence: { ineligible_grace_cycles: ${graceCycles} } }\n`;
  writeFileSync(join(config, "policy.yaml"), `${POLICY}${grace}`);
  const server = await startNatsServer();
  const there = ["--nats", server.url];
  const args = ["run", "--gateway", "external", ...there, "--config", config, "--state", join(root, "state")];
  const supervisor = startPurgatory(args);
  await supervisor.line("Bus connected");
  const watch = startPython("watch.py", there);
  const watchBySequence = startPython("watch.py", [...there, "--by-sequence"]);
  const gateway = startPython("gateway.py", [...there, "--exchange", exchangeFile("full_purge.json")]);
  const programs = [gateway, watch, watchBySequence];
  return {
    server,
    supervisor,
    gateway,
    watch,
    watchBySequence,
    until: (holds) => watch.until((lines) => seenBy({ lines }).some(holds)),
    control: (...asked) => runPython("control.py", [...asked, ...there]),
    async finish() {
      supervisor.signal("SIGTERM");
      const { code } = await supervisor.ended;
      gateway.signal("SIGTERM");
      return { code, gateway: await gateway.ended };
    },
    journal: () => openJournalReader(join(root, "state", "paper", "journal.sqlite")),
    async close() {
      for (const each of [supervisor, ...programs]) each.signal("SIGKILL");
      await Promise.all([supervisor, ...programs].map(({ ended }) => ended));
      await server.stop();
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
