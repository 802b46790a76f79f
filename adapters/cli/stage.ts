// What a process that runs for long has around it: configuration, clock, output, telemetry, and the signals that end it.
import type { Clock, Observe, SymbolStatus } from "../../actors/ports.ts";
import { type Config, formatNotes, formatProblems, loadConfig } from "../../config/mod.ts";
import type { PaperScript } from "../exchange/mod.ts";
import { createTelemetry, redactText, type Telemetry } from "../telemetry/mod.ts";
import { type BusAccess, busAccess } from "./bus_access.ts";
import type { GatewayCommand, RunCommand } from "./command.ts";
import { EXIT } from "./exit_codes.ts";
import { describeGrants, type Grants, grantsDocument } from "./grants.ts";
import { type LiveTable, liveTable } from "./live_table.ts";
import { openClock, readScript } from "./paper_world.ts";
import { renderTable } from "./table.ts";

/** Why something did not start. */
export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** What a process that runs for long has around it. */
export interface Stage {
  readonly clock: Clock & { close(): void };
  readonly output: LiveTable;
  readonly telemetry: Telemetry;
  readonly observe: Observe;
  readonly config: Config;
  readonly script: PaperScript;
  readonly access: Exclude<BusAccess, { readonly kind: "wrong" }>;
  readonly grants: Grants;
  /** Aborted when the process is to end. */
  readonly signal: AbortSignal;
}

/** What is needed of `run` or `gateway`. */
export type StagedCommand = Pick<
  RunCommand,
  "mode" | "speed" | "stateDir" | "configDir" | "nats" | "json" | "scriptFile"
> &
  (Pick<RunCommand, "kind" | "gateway"> | Pick<GatewayCommand, "kind">);

/** Reads what there is to read, opens clock and output, and says what was granted. */
export async function setStage(
  version: string,
  command: StagedCommand,
  grants: Grants,
  excess: readonly string[],
): Promise<Stage | Failure> {
  const loaded = loadConfig(command.configDir, process.env);
  if (!loaded.ok) return { message: `${formatProblems(loaded.problems)}\n`, exitCode: EXIT.failed };
  const { config } = loaded;
  // A gateway joins the server that a run beside it has started; a run starts its own, or goes where it is told.
  const stateDir = command.kind === "gateway" ? command.stateDir : null;
  const access = await busAccess(command.nats, config.app.nats, { env: process.env, stateDir });
  if (access.kind === "wrong") return { message: access.message, exitCode: EXIT.failed };
  if (access.kind === "none" && !("gateway" in command && command.gateway === "own"))
    return { message: noBus(command.kind), exitCode: EXIT.usage };
  const read = readScript(command.scriptFile);
  if (!read.ok) return { message: read.problems.join("\n"), exitCode: EXIT.failed };
  const clock = await openClock(command);
  const shown = { symbols: (): readonly SymbolStatus[] => [] };
  const output = liveTable({
    stream: command.json ? { write: (text) => process.stdout.write(text) } : process.stdout,
    env: process.env,
    render: (size) => renderTable(shown.symbols(), clock.now(), { ...size, redact: redactText }),
  });
  const telemetry = createTelemetry({
    version,
    mode: command.mode,
    stream: output,
    level: config.app.log.level,
    pretty: !command.json,
    colour: output.colour,
    clock,
    detailedErrors: config.hardening.detailedErrors,
  });
  const { observe } = telemetry;
  shown.symbols = () => telemetry.tracker.symbols();
  const note = (message: string, data: object = {}): void =>
    observe({ kind: "note", level: "info", message, data: { ...data } });
  note(`purgatory ${version}, ${command.mode}, speed ${command.speed}, state in ${command.stateDir}`);
  note(
    `Grants: ${[...describeGrants(grants), ...excess].map((line) => line.replace(/ +/g, " ")).join("; ")}`,
    grantsDocument(grants),
  );
  const notes = formatNotes(loaded.notes);
  if (notes !== "") note(notes.trimEnd());
  const stopping = new AbortController();
  onSignals(() => stopping.abort());
  // Whoever read the log is gone, and with them the one who watches over this process.
  process.stdout.on("error", () => stopping.abort());
  return {
    clock,
    output,
    telemetry,
    observe,
    config,
    script: read.script,
    access,
    grants,
    signal: stopping.signal,
  };
}

/** A first signal ends the run in good order; a second SIGINT does not wait for that. */
function onSignals(stop: () => void): void {
  process.once("SIGTERM", stop);
  process.once("SIGINT", () => {
    process.once("SIGINT", () => process.exit(EXIT.forced));
    stop();
  });
}

/** Supervisor and gateway in two programs meet on a bus that both can reach. */
function noBus(kind: StagedCommand["kind"]): string {
  const what = kind === "gateway" ? "gateway" : "--gateway external";
  const spawn =
    kind === "gateway"
      ? "; a run --nats spawn is found by its --state"
      : ", or --nats spawn for a server of its own";
  return `${what} needs a bus between the two programs: name it with --nats URL, or nats.url in app.yaml${spawn}`;
}
