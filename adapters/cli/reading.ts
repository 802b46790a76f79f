// From what commander found to a command; and all that does not fit.
import { join, resolve } from "node:path";
import type { OperatorAction } from "../../actors/ports.ts";
import type { Command, NatsFlags, RunCommand } from "./command.ts";
import { FlagProblems, oneOf, pathOf, plainText, speedOf, symbolOf, wholeNumber } from "./flag_values.ts";
import { whoRuns } from "./who_runs.ts";
import { isThereOrHidden } from "./is_there.ts";
import { MODES, type Mode } from "./ledger_paths.ts";
import { momentOf } from "./moment.ts";
import { natsFlags } from "./nats_flags.ts";
import type { Given } from "./program_help.ts";
import { replayCommand } from "./replay_flags.ts";
import { simulateCommand } from "./simulate_flags.ts";

/** What the defaults depend on. */
export interface ProgramFacts {
  readonly version: string;
  /** The configuration that ships with the package; used where `./config` has no policy.yaml. */
  readonly shippedConfigDir: string;
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** Who asks where `--by` does not say it. Default: the user and host that this process runs as. */
  readonly asker?: string;
}

/** Where a ledger's state is kept when nobody says otherwise. */
const STATE_DIR = ".purgatory";
const CYCLES_MAX = 1_000_000_000;
const PORT_MAX = 65_535;
const REPLICAS = ["1", "3", "5"] as const;
const CHECK_TIMEOUT_SECONDS = 15;
const CHECK_TIMEOUT_SECONDS_MAX = 600;
const REASON_LENGTH_MAX = 400;
const BY_LENGTH_MAX = 100;
/** These let a symbol go on. What stops one, or sells, needs a reason. */
const GENTLE: readonly OperatorAction[] = ["resume", "reset"];

type Options = Given["options"];

export class Reading {
  readonly problems = new FlagProblems();
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #facts: ProgramFacts;
  command: Command | null = null;

  constructor(env: Readonly<Record<string, string | undefined>>, facts: ProgramFacts) {
    this.#env = env;
    this.#facts = facts;
  }

  /** @param name of the command, in full: `nats init` */
  take(name: string, { options, argument }: Given): void {
    this.command = this.#command(name, options, argument);
  }

  #command(name: string, options: Options, argument: string | undefined): Command | null {
    switch (name) {
      case "run":
        return this.#run(options);
      case "check":
        return { kind: "check", dir: this.#configDir("DIR", argument) };
      case "graph":
        return { kind: "graph", format: this.#choice("--format", options, ["mermaid", "dot"], "mermaid") };
      case "status":
        return { kind: "status", ...this.#ledger(options), ...this.#bus(options) };
      case "purge":
      case "pause":
      case "resume":
      case "reset":
      case "ban":
      case "abort":
        return this.#operator(name, options, argument ?? "");
      case "gateway":
        return this.#gateway(options);
      case "nats init": {
        const replicas = Number(this.#choice("--replicas", options, REPLICAS, "1"));
        return { kind: "nats init", ...this.#bus(options), replicas, update: options["update"] === true };
      }
      case "gateway-check":
        return { kind: "gateway-check", ...this.#bus(options), ...this.#check(options) };
      case "export":
        return { kind: "export", ...this.#ledger(options), file: this.#file("FILE", argument ?? "-") };
      case "import": {
        const configDir = this.#configDir("--config", texts(options)["config"]);
        const file = this.#file("FILE", argument ?? "-");
        return { kind: "import", ...this.#ledger(options), file, configDir };
      }
      case "journal":
        return this.#journal(options, argument);
      case "record":
        return this.#record(options, argument);
      case "replay":
        return replayCommand(options, this.#file("FILE", argument ?? "-"), {
          problems: this.problems,
          path: (flag, value) => this.#path(flag, value),
        });
      case "simulate":
        return simulateCommand(options, this.problems);
      default:
        return null;
    }
  }

  #journal(options: Options, symbol: string | undefined): Command {
    const { from, to } = texts(options);
    const { problems } = this;
    const follow = options["follow"] === true;
    if (follow && to !== undefined)
      problems.conflict("--to", "--follow", "one ends it, the other does not", "leave one out");
    return {
      kind: "journal",
      ...this.#ledger(options),
      symbol: symbol === undefined ? null : symbolOf("SYMBOL", symbol, problems),
      from: from === undefined ? null : momentOf("--from", from, problems),
      to: to === undefined ? null : momentOf("--to", to, problems),
      follow,
    };
  }

  #record(options: Options, url: string | undefined): Command {
    const { symbol, nats: named } = texts(options);
    const { problems } = this;
    if (url !== undefined && named !== undefined)
      problems.conflict("URL", "--nats", "say the same", "keep one of them");
    const { configDir, nats } = this.#bus(url === undefined ? options : { ...options, nats: url });
    return {
      kind: "record",
      symbol: symbol === undefined ? null : symbolOf("--symbol", symbol, problems),
      follow: options["follow"] === true,
      stateDir: this.#ledger(options).stateDir,
      configDir,
      nats,
    };
  }

  #run(options: Options): Command {
    const { cycles, speed, script, httpPort } = texts(options);
    const { problems } = this;
    const { stateDir, mode } = this.#ledger(options);
    const gateway = this.#choice("--gateway", options, ["own", "external"], "own");
    this.#noteConflicts({ mode, gateway, speed, script });
    return {
      kind: "run",
      mode,
      cycles:
        cycles === undefined ? null : wholeNumber("--cycles", cycles, { min: 1, max: CYCLES_MAX }, problems),
      speed: speed === undefined ? 1 : speedOf("--speed", speed, problems),
      stateDir,
      ...this.#bus(options, true),
      gateway,
      scriptFile: script === undefined ? null : this.#path("--script", script),
      httpPort:
        httpPort === undefined
          ? null
          : wholeNumber("--http-port", httpPort, { min: 0, max: PORT_MAX }, problems),
    };
  }

  #noteConflicts({
    mode,
    gateway,
    speed,
    script,
  }: Pick<RunCommand, "mode" | "gateway"> & {
    readonly speed: string | undefined;
    readonly script: string | undefined;
  }): void {
    const { problems } = this;
    const isHurried = speed !== undefined && speed !== "1";
    const isLive = mode === "live";
    if (isLive && isHurried)
      problems.conflict(
        "--speed",
        "--mode live",
        "the exchange's clock cannot be hurried",
        "leave --speed out",
      );
    if (isLive && script !== undefined)
      problems.conflict(
        "--script",
        "--mode live",
        "a script is for the paper exchange",
        "leave --script out",
      );
    if (gateway !== "external") return;
    if (isHurried)
      problems.conflict(
        "--speed",
        "--gateway external",
        "another program's clock cannot be hurried",
        "leave one of them out",
      );
    if (script !== undefined)
      problems.conflict(
        "--script",
        "--gateway external",
        "the exchange is the other program's",
        "give the script to purgatory gateway",
      );
  }

  #operator(action: OperatorAction, options: Options, symbol: string): Command {
    const { reason, by } = texts(options);
    const { problems } = this;
    if (reason === undefined && !GENTLE.includes(action))
      problems.missing("--reason", 'why, in a few words; the journal and the log keep them: --reason "…"');
    return {
      kind: "operator",
      action,
      symbol: symbolOf("SYMBOL", symbol, problems),
      reason:
        reason === undefined ? "no reason given" : plainText("--reason", reason, REASON_LENGTH_MAX, problems),
      by: plainText("--by", by ?? this.#facts.asker ?? whoRuns(), BY_LENGTH_MAX, problems),
      ...this.#ledger(options),
      ...this.#bus(options),
    };
  }

  #gateway(options: Options): Command {
    const { script } = texts(options);
    return {
      kind: "gateway",
      ...this.#ledger(options),
      ...this.#bus(options),
      scriptFile: script === undefined ? null : this.#path("--script", script),
    };
  }

  #check(options: Options): { readonly timeoutSeconds: number; readonly only: readonly string[] } {
    const { timeout } = texts(options);
    const only = Array.isArray(options["only"]) ? options["only"] : [];
    const names = only.flatMap((text) => text.split(",")).filter((name) => name !== "");
    for (const name of names)
      if (!/^[a-z0-9][a-z0-9._-]*$/.test(name))
        this.problems.add("--only", name, "names of clauses as the report shows them");
    return {
      timeoutSeconds:
        timeout === undefined
          ? CHECK_TIMEOUT_SECONDS
          : wholeNumber("--timeout", timeout, { min: 1, max: CHECK_TIMEOUT_SECONDS_MAX }, this.problems),
      only: names,
    };
  }

  #ledger(options: Options): { readonly stateDir: string; readonly mode: Mode } {
    const state = texts(options)["state"] ?? nonEmpty(this.#env["PURGATORY_STATE"]) ?? STATE_DIR;
    return { stateDir: this.#path("--state", state), mode: this.#choice("--mode", options, MODES, "paper") };
  }

  /** What every command has that may use the bus. */
  #bus(
    options: Options,
    maySpawn = false,
  ): { readonly configDir: string; readonly nats: NatsFlags; readonly json: boolean } {
    const given = texts(options);
    const path = (flag: string, value: string): string => this.#path(flag, value);
    return {
      configDir: this.#configDir("--config", given["config"]),
      nats: natsFlags(given, { problems: this.problems, path, maySpawn }),
      json: options["json"] === true,
    };
  }

  #configDir(flag: string, given: string | undefined): string {
    const named = given ?? nonEmpty(this.#env["PURGATORY_CONFIG"]);
    if (named !== undefined) return this.#path(flag, named);
    const own = join(this.#facts.cwd, "config");
    return isThereOrHidden(join(own, "policy.yaml")) ? own : this.#facts.shippedConfigDir;
  }

  #file(flag: string, value: string): string {
    return value === "-" ? value : this.#path(flag, value);
  }

  #path(flag: string, value: string): string {
    return resolve(this.#facts.cwd, pathOf(flag, value, this.problems));
  }

  #choice<T extends string>(flag: string, options: Options, choices: readonly T[], fallback: T): T {
    const value = options[flag.slice(2)];
    if (typeof value !== "string") return fallback;
    return oneOf(flag, value, choices, this.problems) ?? fallback;
  }
}

export function texts(options: Options): Readonly<Record<string, string | undefined>> {
  const entries = Object.entries(options).map(([key, value]) => [
    key,
    typeof value === "string" ? value : undefined,
  ]);
  return Object.fromEntries(entries);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
