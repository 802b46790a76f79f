#!/usr/bin/env node
// The command line: the only file that may import from every room. What a command does not need is not loaded.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Child, SupervisorEnd } from "./actors/child_spec.ts";
import type { Clock, Exchange, Observe, SymbolStatus } from "./actors/ports.ts";
import type { Tree } from "./actors/tree.ts";
import {
  type CheckCommand,
  type Command,
  describeGrants,
  EXIT,
  enterPermissions,
  type ExportCommand,
  type Grants,
  type GraphCommand,
  grantFacts,
  grantsDocument,
  grantsFor,
  type ImportCommand,
  ledgerPaths,
  loadPurgeFailures,
  loadStatus,
  loadSummary,
  loadTable,
  parseCommandLine,
  type RunCommand,
  type StatusCommand,
} from "./adapters/cli/mod.ts";
import type { PaperScript } from "./adapters/exchange/mod.ts";
import type { Telemetry } from "./adapters/telemetry/mod.ts";
import type { Config } from "./config/mod.ts";

const VERSION: string = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8")).version;
const SHIPPED_CONFIG = join(import.meta.dirname, "config");

async function main(args: readonly string[]): Promise<number> {
  const facts = { version: VERSION, shippedConfigDir: SHIPPED_CONFIG, cwd: process.cwd() };
  const parsed = parseCommandLine(args, process.env, facts);
  if (parsed.kind === "text") return print(parsed.text, EXIT.ok);
  if (parsed.kind === "usage") return complain(parsed.message, EXIT.usage);
  if ("mode" in parsed && parsed.mode === "live") {
    return complain(
      "live mode is not available yet: there is no adapter for a real exchange; use --mode paper or dry-run\n",
      EXIT.notYet,
    );
  }
  const grants = grantsFor(parsed, grantFacts(parsed, import.meta.filename, process.env));
  const entered = await enterPermissions(grants, { entry: import.meta.filename, args });
  if (entered.kind === "refused") return complain(`${entered.message}\n`, entered.exitCode);
  if (entered.kind === "ran_apart") return entered.exitCode;
  return perform(parsed, grants, entered.excess);
}

async function perform(command: Command, grants: Grants, excess: readonly string[]): Promise<number> {
  try {
    switch (command.kind) {
      case "run":
        return await run(command, grants, excess);
      case "check":
        return await check(command);
      case "graph":
        return await graph(command);
      case "status":
        return await status(command);
      case "export":
        return await exportRecords(command);
      case "import":
        return await importRecords(command);
    }
  } catch (error) {
    if (isTagged(error, "JournalError")) return complain(`${error.message}\n`, EXIT.state);
    throw error;
  }
}

async function check({ dir }: CheckCommand): Promise<number> {
  const { formatCheck, loadConfig } = await import("./config/mod.ts");
  const result = loadConfig(dir, process.env);
  return result.ok ? print(formatCheck(result), EXIT.ok) : complain(formatCheck(result), EXIT.failed);
}

async function graph({ format }: GraphCommand): Promise<number> {
  const { purgeMachine, toDot, toMermaid } = await import("./machines/mod.ts");
  return print(format === "dot" ? toDot(purgeMachine) : toMermaid(purgeMachine), EXIT.ok);
}

async function run(command: RunCommand, grants: Grants, excess: readonly string[]): Promise<number> {
  const { formatNotes, formatProblems, loadConfig } = await import("./config/mod.ts");
  const loaded = loadConfig(command.configDir, process.env);
  if (!loaded.ok) return complain(`${formatProblems(loaded.problems)}\n`, EXIT.failed);
  const script = await readScript(command);
  if (isProblems(script)) return complain(`${script.join("\n")}\n`, EXIT.failed);
  const clock = await openClock(command);
  const { createTelemetry, redactText } = await import("./adapters/telemetry/mod.ts");
  const { liveTable, renderTable } = await loadTable();
  const shown = { symbols: (): readonly SymbolStatus[] => [] };
  const output = liveTable({
    stream: command.json ? { write: (text) => process.stdout.write(text) } : process.stdout,
    env: process.env,
    render: (size) => renderTable(shown.symbols(), clock.now(), { ...size, redact: redactText }),
  });
  const telemetry = createTelemetry({
    version: VERSION,
    mode: command.mode,
    stream: output,
    level: loaded.config.app.log.level,
    pretty: !command.json,
    colour: output.colour,
    clock,
    detailedErrors: loaded.config.hardening.detailedErrors,
  });
  const { observe } = telemetry;
  shown.symbols = () => telemetry.tracker.symbols();
  const note = (message: string, data: object = {}): void =>
    observe({ kind: "note", level: "info", message, data: { ...data } });
  note(`purgatory ${VERSION}, ${command.mode}, speed ${command.speed}, state in ${command.stateDir}`);
  note(
    `Grants: ${[...describeGrants(grants), ...excess].map((line) => line.replace(/ +/g, " ")).join("; ")}`,
    grantsDocument(grants),
  );
  const notes = formatNotes(loaded.notes);
  if (notes !== "") note(notes.trimEnd());

  const startedAt = clock.now();
  const stopping = new AbortController();
  onSignals(() => stopping.abort());
  // Whoever read the log is gone, and with them the one who watches over this run.
  process.stdout.on("error", () => stopping.abort());
  const world = { clock, observe, telemetry, grants, signal: stopping.signal };
  const tree = await plant(command, loaded.config, script, world);
  if ("exitCode" in tree) {
    clock.close();
    output.close();
    return complain(`${tree.message}\n`, tree.exitCode);
  }
  void tree.finished.then(() => tree.root.stop());
  (await loadStatus()).writeRunFile(ledgerPaths(command.stateDir, command.mode).dir, grants);
  const end = await tree.root.exited;
  clock.close();
  output.close();
  return await sumUp(command, telemetry, { startedAt, endedAt: clock.now(), end });
}

interface Ending {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly end: SupervisorEnd;
}

/** The last thing that a run says. Its last line names the cause when something went wrong. */
async function sumUp({ json }: RunCommand, { tracker }: Telemetry, ending: Ending): Promise<number> {
  const { summaryDocument, summaryLines } = await loadSummary();
  const { redact, redactText } = await import("./adapters/telemetry/mod.ts");
  const { describeEnd } = await import("./actors/child_spec.ts");
  const end = describeEnd(ending.end);
  const input = { ...ending, end, summary: tracker.summary(), statuses: tracker.symbols() };
  print(
    json ? JSON.stringify(redact(summaryDocument(input))) : summaryLines(input).map(redactText).join("\n"),
    EXIT.ok,
  );
  return ending.end.kind === "stopped" ? EXIT.ok : complain(end, EXIT.failed);
}

async function status({ stateDir, mode, json }: StatusCommand): Promise<number> {
  const { readRunFile, statusDocument, statusLines } = await loadStatus();
  const { createTracker, redactText } = await import("./adapters/telemetry/mod.ts");
  const { latestRecords, ledgerHolder, ledgerTime } = await import("./adapters/journal/mod.ts");
  const { dir, journal } = ledgerPaths(stateDir, mode);
  const tracker = createTracker();
  for (const record of await latestRecords(journal)) {
    tracker.observe({ kind: "transition", record, recovered: true });
  }
  const lastAt = await ledgerTime(journal);
  const lockedBy = ledgerHolder(dir);
  const input = {
    mode,
    dir,
    lockedBy,
    lastAt: lastAt === null ? null : new Date(lastAt).toISOString(),
    statuses: tracker.symbols(),
    grants: lockedBy === null ? null : readRunFile(dir, lockedBy),
    now: Math.max(Date.now(), lastAt ?? 0),
  };
  const { columns = 120 } = process.stdout;
  const colour = process.stdout.isTTY === true && process.stdout.hasColors(process.env);
  return json
    ? print(JSON.stringify(statusDocument(input, redactText)), EXIT.ok)
    : print(statusLines(input, { width: columns, colour, redact: redactText }).join("\n"), EXIT.ok);
}

async function exportRecords({ stateDir, mode, file }: ExportCommand): Promise<number> {
  const { exportFailures } = await loadPurgeFailures();
  const { PurgeContext } = await import("./machines/mod.ts");
  const { Schema } = await import("effect");
  const decode = Schema.decodeUnknownSync(Schema.Struct({ context: PurgeContext }));
  const { latestRecords } = await import("./adapters/journal/mod.ts");
  const records = await latestRecords(ledgerPaths(stateDir, mode).journal);
  const text = exportFailures(records.map(({ snapshot }) => decode(snapshot).context));
  if (file === "-") return print(text, EXIT.ok);
  writeFileSync(file, text);
  return EXIT.ok;
}

async function importRecords({ stateDir, mode, file, configDir }: ImportCommand): Promise<number> {
  const { parseFailures } = await loadPurgeFailures();
  const { importFailures } = await import("./actors/import_failures.ts");
  const { formatProblems, loadConfig } = await import("./config/mod.ts");
  const { ledgerTime, openSqliteJournal } = await import("./adapters/journal/mod.ts");
  const loaded = loadConfig(configDir, process.env);
  if (!loaded.ok) return complain(formatProblems(loaded.problems), EXIT.failed);
  const text = readFileSync(file === "-" ? 0 : file, "utf8");
  // A ledger that was run fast is ahead of this machine's clock.
  const now = Math.max(Date.now(), (await ledgerTime(ledgerPaths(stateDir, mode).journal)) ?? 0);
  const parsed = parseFailures(text, now);
  if (!parsed.ok) return complain(`Nothing was imported.\n${parsed.problems.join("\n")}`, EXIT.failed);
  for (const note of parsed.notes) complain(note, EXIT.ok);
  const journal = await openSqliteJournal(ledgerPaths(stateDir, mode).journal);
  try {
    const problems = await importFailures(journal, parsed.entries, loaded.config.policy, now);
    if (problems.length > 0) return complain(`Nothing was imported.\n${problems.join("\n")}`, EXIT.failed);
  } finally {
    await journal.close();
  }
  return print(`Imported ${parsed.entries.length} failure records into the ${mode} ledger.`, EXIT.ok);
}

/** A first signal ends the run in good order; a second SIGINT does not wait for that. */
function onSignals(stop: () => void): void {
  process.once("SIGTERM", stop);
  process.once("SIGINT", () => {
    process.once("SIGINT", () => process.exit(EXIT.forced));
    stop();
  });
}

/** Real time; or, for a paper world, time that runs faster. Such a world goes on from where its ledger stopped: it stands
 * still while nobody runs it. */
async function openClock({ stateDir, mode, speed }: RunCommand): Promise<Clock & { close(): void }> {
  const { pacedClock, systemClock } = await import("./adapters/clock/mod.ts");
  const { ledgerTime } = await import("./adapters/journal/mod.ts");
  const lastAt = await ledgerTime(ledgerPaths(stateDir, mode).journal);
  const now = Date.now();
  if (speed !== 1) return pacedClock(lastAt ?? now, speed);
  return lastAt === null || lastAt <= now ? systemClock() : pacedClock(lastAt, 1);
}

interface World {
  readonly clock: Clock;
  readonly observe: Observe;
  readonly telemetry: Telemetry;
  readonly grants: Grants;
  /** Aborted when the run is to end. */
  readonly signal: AbortSignal;
}

/** Starts the tree, or says why that cannot be. */
async function plant(
  command: RunCommand,
  config: Config,
  script: PaperScript,
  world: World,
): Promise<Tree | { readonly message: string; readonly exitCode: number }> {
  const Result = await import("effect/Result");
  const { startTree } = await import("./actors/tree.ts");
  const { universeAt } = await import("./actors/universe.ts");
  const { openBus } = await import("./adapters/bus/mod.ts");
  const { openSqliteJournal } = await import("./adapters/journal/mod.ts");
  const { clock, observe } = world;
  const paths = ledgerPaths(command.stateDir, command.mode);
  const { cycle } = config;
  const running: { tree: Tree | null } = { tree: null };
  const httpPort = command.httpPort ?? config.app.http.port;
  const planted = await startTree({
    clock,
    observe,
    first: [],
    openBus: () => openBus(command.natsUrl ?? config.app.nats.url, config.app.nats, world),
    openJournal: () => openSqliteJournal(paths.journal),
    openExchange: () => openExchange(command, script, clock),
    gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: paths.dir },
    limits: config.app.limits,
    cycle: {
      intervalMs: cycle.intervalMs,
      jitterPct: cycle.jitterPct,
      maxPerCycle: cycle.maxLiquidationsPerCycle,
      rules: { ...cycle, graceCycles: cycle.ineligibleGraceCycles },
      policy: config.policy,
      universe: (now) => universeAt(config.universe, now),
      isDryRun: command.mode === "dry-run",
      cycles: command.cycles,
      random: Math.random,
    },
    signal: world.signal,
    extra:
      httpPort === null
        ? []
        : [
            {
              id: "http",
              start: () => serve(httpPort, config, { ...world, command, tree: () => running.tree }),
            },
          ],
  });
  if (Result.isSuccess(planted)) {
    running.tree = planted.success;
    return planted.success;
  }
  if (isTagged(planted.failure, "SupervisorStopped"))
    return { message: "stopped while starting", exitCode: EXIT.ok };
  const cause = firstCause(planted.failure);
  return { message: cause.message, exitCode: isTagged(cause, "JournalError") ? EXIT.state : EXIT.failed };
}

/** The paper exchange's script, or all that is wrong with it. */
async function readScript({ scriptFile }: RunCommand): Promise<PaperScript | readonly string[]> {
  const { PaperScriptError, readPaperScript } = await import("./adapters/exchange/mod.ts");
  try {
    return readPaperScript(scriptFile ?? join(SHIPPED_CONFIG, "paper.yaml"));
  } catch (error) {
    if (error instanceof PaperScriptError) return error.problems;
    throw error;
  }
}

async function openExchange(
  { stateDir, mode }: RunCommand,
  script: PaperScript,
  clock: Clock,
): Promise<Exchange> {
  const { openPaperExchange } = await import("./adapters/exchange/mod.ts");
  return openPaperExchange({ file: ledgerPaths(stateDir, mode).exchange, script, clock });
}

/** A few missed readings of the account are no reason to call the process unready. */
const CYCLES_UNREAD = 3;

interface Served extends World {
  readonly command: RunCommand;
  readonly tree: () => Tree | null;
}

async function serve(port: number, config: Config, { command, tree, ...world }: Served): Promise<Child> {
  const { startHttpServer } = await import("./adapters/http/mod.ts");
  const { runPages } = await import("./adapters/telemetry/mod.ts");
  const { clock, observe, grants, telemetry } = world;
  const pages = runPages({
    telemetry,
    condition: () => ({
      isJournalOpen: tree()?.symbols() != null,
      isBusConnected: tree()?.bus()?.connected ?? false,
    }),
    maxHoldingsAgeMs: CYCLES_UNREAD * config.cycle.intervalMs,
    now: () => clock.now(),
    about: { version: VERSION, mode: command.mode, pid: process.pid, grants: grantsDocument(grants) },
  });
  const note = (level: "info" | "error", message: string): void => observe({ kind: "note", level, message });
  const server = await startHttpServer({
    host: config.app.http.host,
    port,
    pages,
    onPageError: (path, error) => note("error", `HTTP ${path} could not be made: ${String(error)}`),
  });
  note("info", `HTTP on ${server.url}: /metrics /healthz /readyz /status`);
  return server;
}

function isProblems(script: PaperScript | readonly string[]): script is readonly string[] {
  return Array.isArray(script);
}

/** A supervisor's report of a failed start wraps what the part itself said. */
function firstCause(error: Error): Error {
  return error.cause instanceof Error ? firstCause(error.cause) : error;
}

function isTagged(error: unknown, tag: string): error is Error & { readonly _tag: string } {
  return error instanceof Error && "_tag" in error && error._tag === tag;
}

function print(text: string, exitCode: number): number {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  return exitCode;
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(text.endsWith("\n") ? text : `${text}\n`);
  return exitCode;
}

process.exitCode = await main(process.argv.slice(2));
