// From files to a configuration, or to everything that is wrong with them.
import { AppFile } from "./app_schema.ts";
import { appConfig, type Config, policyConfig, universeConfig } from "./config.ts";
import { type Decoded, decodeDefaults, decodeSource } from "./decode.ts";
import {
  type ConfigFileName,
  type ConfigFiles,
  configFileNames,
  type FileRead,
  readConfigFiles,
} from "./files.ts";
import { natsConfig } from "./nats_config.ts";
import { PolicyFile } from "./policy_schema.ts";
import type { Note, Problem } from "./problem.ts";
import { brokenRelations } from "./relations.ts";
import type { Environment } from "./secrets.ts";
import { sectionNames } from "./shape.ts";
import { universeNotes, universeProblems } from "./universe_checks.ts";
import { protectedByDefault, UniverseFile } from "./universe_schema.ts";
import { parseYaml, type YamlSource } from "./yaml_source.ts";

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly notes: readonly Note[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly notes: readonly Note[] };

/** The files that ship with this package: sensible defaults, and the example universe. */
export const shippedConfigDir = import.meta.dirname;

/** Reads and checks a configuration directory. Never throws for what a user wrote.
 *
 * `env` is where `{env: NAME}` secrets are looked up; pass `process.env`. Every problem of every file is
 * reported at once. A missing `universe.yaml` is a problem; the other two then mean their defaults.
 *
 * ```ts
 * const result = loadConfig("./config", process.env);
 * if (!result.ok) console.error(formatProblems(result.problems));
 * ```
 */
export function loadConfig(dir: string, env: Environment): ConfigResult {
  return parseConfig(readConfigFiles(dir), env);
}

/** The pure part of `loadConfig`: no disk, no clock, no environment but `env`. */
export function parseConfig({ files, secrets }: ConfigFiles, env: Environment): ConfigResult {
  const sources = {
    policy: source("policy.yaml", files, PolicyFile.ast),
    universe: source("universe.yaml", files, UniverseFile.ast),
    app: source("app.yaml", files, AppFile.ast),
  };
  const policy = decoded(PolicyFile, sources.policy);
  const universe = decoded(UniverseFile, sources.universe);
  const app = decoded(AppFile, sources.app);
  const nats = natsConfig(app, env, secrets);
  const problems = [
    ...policy.problems,
    ...universe.problems,
    ...universeProblems(sources.universe.yaml, protectedByDefault),
    ...app.problems,
    ...nats.problems,
    ...brokenRelations({ "policy.yaml": policy, "app.yaml": app }),
  ];
  const notes = [
    ...Object.values(sources).flatMap((each) => each.notes),
    ...policy.notes,
    ...universe.notes,
    ...app.notes,
  ];
  if (problems.length > 0 || policy.value === null || universe.value === null || app.value === null) {
    return { ok: false, problems: inOrder(problems), notes: inOrder(notes) };
  }
  const config: Config = {
    ...policyConfig(policy.value),
    universe: universeConfig(universe.value),
    app: appConfig(app.value, nats.config),
  };
  const known = [
    ...notes,
    ...universeNotes(config.universe.eligible, sources.universe.yaml),
    ...surprises(config),
  ];
  return { ok: true, config, notes: inOrder(known) };
}

interface Source {
  readonly yaml: YamlSource;
  readonly isAbsent: boolean;
  readonly notes: readonly Note[];
}

const emptySource = (file: string, problems: readonly Problem[]): YamlSource => ({
  file,
  root: undefined,
  nodes: new Map(),
  problems,
});

function source(file: ConfigFileName, files: ConfigFiles["files"], ast: typeof PolicyFile.ast): Source {
  const read: FileRead = files[file];
  if (read.status === "text") {
    return { yaml: parseYaml(file, read.text, sectionNames(ast)), isAbsent: false, notes: [] };
  }
  if (read.status === "absent" && file !== "universe.yaml") {
    const notes = [{ file, line: null, text: "is not there: every key has its default" }];
    return { yaml: emptySource(file, []), isAbsent: true, notes };
  }
  const absent = {
    code: "config_missing",
    line: null,
    expected: "is missing: without it nothing says what may be held",
    advice: "write it, or name another directory with --config",
  } as const;
  const { code, line, expected, advice } = read.status === "refused" ? read : absent;
  const problem = { code, file, line, column: null, path: null, value: null, expected, advice };
  return { yaml: emptySource(file, [problem]), isAbsent: false, notes: [] };
}

function decoded<T>(schema: Parameters<typeof decodeSource<T>>[0], { yaml, isAbsent }: Source): Decoded<T> {
  return isAbsent ? decodeDefaults(schema, yaml.file) : decodeSource(schema, yaml);
}

/** Sound, but probably not what was meant. */
function surprises({ cycle, hardening, app, universe }: Config): readonly Note[] {
  const notes: Note[] = [];
  if (universe.protectedCurrencies.length === 0) {
    notes.push({
      file: "universe.yaml",
      line: null,
      text: "protected is empty: cash and stablecoins count as positions too",
    });
  }
  if (hardening.backoff && !hardening.failureTracking) {
    const text = "purge_hardening.backoff has no effect while failure_tracking is false: nothing is counted";
    notes.push({ file: "policy.yaml", line: null, text });
  }
  if (cycle.holdings.source === null && cycle.holdings.maxAgeMs !== null) {
    const text = "holdings.max_age_seconds has no effect while holdings.source names no bot";
    notes.push({ file: "policy.yaml", line: null, text });
  }
  if (app.http.port !== null && !/^(127\.|::1$|localhost$)/.test(app.http.host)) {
    const text = `http.host ${app.http.host} shows metrics to whoever reaches this machine, without a password`;
    notes.push({ file: "app.yaml", line: null, text });
  }
  return notes;
}

/** By file, then by line. */
function inOrder<T extends { readonly file: string; readonly line: number | null }>(
  items: readonly T[],
): readonly T[] {
  const names: readonly string[] = configFileNames;
  const rank = (item: T) => names.indexOf(item.file);
  return items.toSorted((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
}
