#!/usr/bin/env node
// The command line: the only file that may import from every room. What a command does not need is not loaded.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Child, SupervisorEnd } from "./actors/child_spec.ts";
import type { Clock, Observe, SymbolStatus } from "./actors/ports.ts";
import type { Tree } from "./actors/tree.ts";
import {
  type Answer,
  type Command,
  describeGrants,
  EXIT,
  enterPermissions,
  type Grants,
  grantFacts,
  grantsDocument,
  grantsFor,
  type ImportCommand,
  ledgerPaths,
  loadCheck,
  loadGraph,
  loadLedgerCommands,
  loadPaperWorld,
  loadRunFile,
  loadSummary,
  loadTable,
  parseCommandLine,
  type RunCommand,
  speak,
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
        return speak((await loadCheck()).check(command));
      case "graph":
        return speak((await loadGraph()).graph(command));
      case "status":
        return speak(await (await loadLedgerCommands()).statusOfLedger(command));
      case "export":
        return speak(await (await loadLedgerCommands()).exportRecords(command));
      case "import":
        return speak(await importRecords(command));
      case "operator":
      case "gateway":
      case "nats init":
      case "gateway-check":
        return complain(`${command.kind}: not available yet`, EXIT.notYet);
    }
  } catch (error) {
    if (isTagged(error, "JournalError")) return complain(`${error.message}\n`, EXIT.state);
    throw error;
  }
}

async function importRecords(command: ImportCommand): Promise<Answer> {
  const { importFailures } = await import("./actors/import_failures.ts");
  return (await loadLedgerCommands()).importRecords(command, importFailures);
}

async function run(command: RunCommand, grants: Grants, excess: readonly string[]): Promise<number> {
  const { formatNotes, formatProblems, loadConfig } = await import("./config/mod.ts");
  const loaded = loadConfig(command.configDir, process.env);
  if (!loaded.ok) return complain(`${formatProblems(loaded.problems)}\n`, EXIT.failed);
  const { openClock, readScript } = await loadPaperWorld();
  const read = readScript(command.scriptFile);
  if (!read.ok) return complain(read.problems.join("\n"), EXIT.failed);
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
  const tree = await plant(command, loaded.config, read.script, world);
  if ("exitCode" in tree) {
    clock.close();
    output.close();
    return complain(`${tree.message}\n`, tree.exitCode);
  }
  void tree.finished.then(() => tree.root.stop());
  (await loadRunFile()).writeRunFile(ledgerPaths(command.stateDir, command.mode).dir, grants);
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

/** A first signal ends the run in good order; a second SIGINT does not wait for that. */
function onSignals(stop: () => void): void {
  process.once("SIGTERM", stop);
  process.once("SIGINT", () => {
    process.once("SIGINT", () => process.exit(EXIT.forced));
    stop();
  });
}

/** The server that the command line or the configuration names; null for the bus in this process. */
function natsOf(command: RunCommand, { app }: Config) {
  const url = command.nats.url ?? app.nats.url;
  const { user, password, token } = app.nats;
  return url === null ? null : { servers: url, name: "purgatory", user, password, token };
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
  const { openPaper } = await loadPaperWorld();
  const { clock, observe } = world;
  const paths = ledgerPaths(command.stateDir, command.mode);
  const { cycle } = config;
  const running: { tree: Tree | null } = { tree: null };
  const httpPort = command.httpPort ?? config.app.http.port;
  const planted = await startTree({
    clock,
    observe,
    first: [],
    claim: null,
    openBus: () => openBus({ nats: natsOf(command, config), role: "both", mode: command.mode, ...world }),
    openJournal: () => openSqliteJournal(paths.journal),
    openExchange: () => openPaper(command, script, clock),
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
