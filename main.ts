#!/usr/bin/env node
// The command line: the only file that may import from every room. What a command does not need is not loaded.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Child, Link, SupervisorEnd } from "./actors/child_spec.ts";
import type { CycleSettings } from "./actors/cycle.ts";
import type { Planted, Tree } from "./actors/tree.ts";
import {
  type Answer,
  type Command,
  EXIT,
  enterPermissions,
  type Failure,
  type GatewayCommand,
  type Grants,
  grantFacts,
  grantsDocument,
  grantsFor,
  type ImportCommand,
  ledgerPaths,
  loadBusCare,
  loadCheck,
  loadGraph,
  loadJournal,
  loadLedgerCommands,
  loadOperate,
  loadPaperWorld,
  loadRecord,
  loadReplay,
  loadRunBus,
  loadRunFile,
  loadSimulate,
  loadStage,
  loadStatus,
  loadSummary,
  parseCommandLine,
  type RunBus,
  type RunCommand,
  type SimulateCommand,
  speak,
  type Stage,
} from "./adapters/cli/mod.ts";
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
      case "gateway":
        return await gateway(command, grants, excess);
      case "status":
        return speak(await (await loadStatus()).status(command));
      case "export":
        return speak(await (await loadLedgerCommands()).exportRecords(command));
      case "import":
        return speak(await importRecords(command));
      case "journal":
        return speak(await (await loadJournal()).writeJournal(command));
      case "record":
        return speak(await (await loadRecord()).recordBus(command));
      case "replay":
        return speak(await (await loadReplay()).replay(command));
      case "simulate":
        return speak(await simulate(command));
      case "operator":
        return speak(await (await loadOperate()).operate(command));
      case "nats init":
        return speak(await (await loadBusCare()).initNats(command));
      case "gateway-check":
        return speak(await (await loadBusCare()).tryGateway(command, (line) => print(line, EXIT.ok)));
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

async function simulate(command: SimulateCommand): Promise<Answer> {
  const room = await import("./simulation/mod.ts");
  const facts = { version: VERSION, root: import.meta.dirname };
  return (await loadSimulate()).simulateSeeds(command, room, facts);
}

async function run(command: RunCommand, grants: Grants, excess: readonly string[]): Promise<number> {
  const stage = await (await loadStage()).setStage(VERSION, command, grants, excess);
  if ("exitCode" in stage) return complain(stage.message, stage.exitCode);
  const { clock, output, telemetry } = stage;
  const startedAt = clock.now();
  const bus = new (await loadRunBus()).RunBus(stage, {
    version: VERSION,
    mode: command.mode,
    role: command.gateway === "own" ? "both" : "supervisor",
  });
  const tree = await plant(command, stage, bus);
  if ("exitCode" in tree) {
    clock.close();
    output.close();
    return complain(`${tree.message}\n`, tree.exitCode);
  }
  void tree.finished.then(() => tree.root.stop());
  (await loadRunFile()).writeRunFile(ledgerPaths(command.stateDir, command.mode).dir, grants, bus.url);
  const end = await tree.root.exited;
  clock.close();
  output.close();
  return await sumUp(command, telemetry, { startedAt, endedAt: clock.now(), end });
}

async function gateway(command: GatewayCommand, grants: Grants, excess: readonly string[]): Promise<number> {
  const stage = await (await loadStage()).setStage(VERSION, { ...command, speed: 1 }, grants, excess);
  if ("exitCode" in stage) return complain(stage.message, stage.exitCode);
  const Result = await import("effect/Result");
  const { startGatewayTree } = await import("./actors/gateway_tree.ts");
  const { describeEnd } = await import("./actors/child_spec.ts");
  const { openPaper } = await loadPaperWorld();
  const { clock, observe, output, config, signal, script } = stage;
  const { RunBus } = await loadRunBus();
  const bus = new RunBus(stage, { version: VERSION, mode: command.mode, role: "gateway" });
  const { dir } = ledgerPaths(command.stateDir, command.mode);
  const started = await startGatewayTree({
    clock,
    observe,
    openBus: () => bus.open(),
    claim: () => bus.claim(),
    openExchange: () => openPaper(command, script, clock),
    gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: dir },
    signal,
  });
  const end = Result.isSuccess(started) ? await started.success.root.exited : null;
  clock.close();
  output.close();
  if (Result.isFailure(started)) {
    const failure = failureOf(started.failure);
    return complain(`${failure.message}\n`, failure.exitCode);
  }
  if (end !== null && end.kind !== "stopped") return complain(describeEnd(end), EXIT.failed);
  return print(
    command.json ? '{"type":"gateway.summary","end":"stopped in good order"}' : "The gateway has stopped.",
    EXIT.ok,
  );
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

/** Starts the tree, or says why that cannot be. */
async function plant(command: RunCommand, stage: Stage, bus: RunBus): Promise<Tree | Failure> {
  const Result = await import("effect/Result");
  const { startTree } = await import("./actors/tree.ts");
  const { openSqliteJournal } = await import("./adapters/journal/mod.ts");
  const { openPaper } = await loadPaperWorld();
  const { clock, observe, config, access, script, signal } = stage;
  const paths = ledgerPaths(command.stateDir, command.mode);
  const isOwnGateway = command.gateway === "own";
  const isShared = access.kind !== "none";
  const httpPort = command.httpPort ?? config.app.http.port;
  const planted = await startTree({
    clock,
    observe,
    first:
      access.kind === "spawn"
        ? [
            {
              id: "nats-server",
              start: (link) => bus.spawn(command.stateDir, link),
              shutdown: SERVER_STOP_MS,
            },
          ]
        : [],
    openBus: () => bus.open(),
    claim: isShared ? () => bus.claim() : null,
    openJournal: () => openSqliteJournal(paths.journal),
    openExchange: isOwnGateway ? () => openPaper(command, script, clock) : null,
    gateway: { ...config.app.gateway, breaker: config.app.breaker, seed: paths.dir },
    limits: config.app.limits,
    cycle: await cycleSettings(command, config),
    signal,
    extra: (parts) => [
      ...(isShared ? [{ id: "control", start: (link: Link) => bus.control(parts, link) }] : []),
      ...(httpPort === null ? [] : [{ id: "http", start: () => serve(httpPort, command, stage, parts) }]),
    ],
  });
  return Result.isFailure(planted) ? failureOf(planted.failure) : planted.success;
}

async function cycleSettings(
  { mode, cycles }: RunCommand,
  { cycle, policy, universe }: Config,
): Promise<CycleSettings> {
  const { universeAt } = await import("./actors/universe.ts");
  const { intervalMs, jitterPct, maxLiquidationsPerCycle, ineligibleGraceCycles, holdings } = cycle;
  return {
    intervalMs,
    jitterPct,
    maxPerCycle: maxLiquidationsPerCycle,
    rules: { ...cycle, graceCycles: ineligibleGraceCycles },
    policy,
    holdings,
    universe: (now) => universeAt(universe, now),
    isDryRun: mode === "dry-run",
    cycles,
    random: Math.random,
  };
}

function failureOf(error: Error): Failure {
  if (isTagged(error, "SupervisorStopped")) return { message: "stopped while starting", exitCode: EXIT.ok };
  const cause = firstCause(error);
  return { message: cause.message, exitCode: isTagged(cause, "JournalError") ? EXIT.state : EXIT.failed };
}

/** Longer than the server's own deadline from SIGTERM to SIGKILL. */
const SERVER_STOP_MS = 8_000;
/** A few missed readings of the account are no reason to call the process unready. */
const CYCLES_UNREAD = 3;

async function serve(
  port: number,
  { mode }: RunCommand,
  { clock, observe, grants, telemetry, config }: Stage,
  planted: Planted,
): Promise<Child> {
  const { startHttpServer } = await import("./adapters/http/mod.ts");
  const { runPages } = await import("./adapters/telemetry/mod.ts");
  const pages = runPages({
    telemetry,
    condition: () => ({
      isJournalOpen: planted.symbols() !== null,
      isBusConnected: planted.bus()?.connected ?? false,
    }),
    maxHoldingsAgeMs: CYCLES_UNREAD * config.cycle.intervalMs,
    now: () => clock.now(),
    about: { version: VERSION, mode, pid: process.pid, grants: grantsDocument(grants) },
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
