// Secrets are never in a configuration file, only the name of a variable or the path of a file that holds one.
import * as Redacted from "effect/Redacted";
import { AppFile } from "./app_schema.ts";
import type { FileRead } from "./files.ts";
import type { Reference } from "./keys.ts";
import { sectionNames } from "./shape.ts";
import { parseYaml } from "./yaml_source.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type SecretResult =
  | { readonly ok: true; readonly secret: Redacted.Redacted<string> }
  | { readonly ok: false; readonly expected: string; readonly advice: string };

const referencePath = /^nats\.(user|password|token|nkey|creds|tls_ca|tls_cert|tls_key)\.file$/;

/** Paths that `app.yaml` takes secrets from, as written there. A file with faults gives what can be seen of it. */
export function secretPaths(app: FileRead): readonly string[] {
  if (app.status !== "text") return [];
  const { nodes } = parseYaml("app.yaml", app.text, sectionNames(AppFile.ast));
  const paths = [...nodes].filter(([path, node]) => referencePath.test(path) && node.kind === "text");
  return [...new Set(paths.map(([, node]) => String(node.value)))].filter((path) =>
    /^[^\0]{1,4096}$/.test(path),
  );
}

/** What is looked for. `label` is what shows in its place wherever it is printed. */
export interface Wanted {
  readonly label: string;
  /** Keys and certificates have many lines; of anything else, a second line is a mistake. */
  readonly lines: "one" | "many";
}

export function resolveSecret(
  reference: Reference,
  wanted: Wanted,
  env: Environment,
  files: ReadonlyMap<string, FileRead>,
): SecretResult {
  if (reference.env !== undefined) return fromEnvironment(reference.env, wanted, env);
  const path = reference.file ?? "";
  return fromFile(path, files.get(path) ?? { status: "absent" }, wanted);
}

/** The secret in a file that was read, or was not. */
export function fromFile(path: string, read: FileRead, { label, lines }: Wanted): SecretResult {
  const from = `is taken from the file ${path}, which`;
  if (read.status === "absent") return missing(`${from} does not exist`, "create it, or correct the path");
  if (read.status === "refused") return missing(`${from} ${read.expected}`, read.advice);
  const text = read.text.replace(/\r?\n$/, "");
  if (text === "") return missing(`${from} is empty`, "write the secret into it");
  if (lines === "one" && /[\r\n]/.test(text))
    return missing(`${from} has more than one line`, "keep the secret alone on one line");
  return { ok: true, secret: Redacted.make(text, { label }) };
}

function fromEnvironment(name: string, { label }: Wanted, env: Environment): SecretResult {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value === undefined) return missing(`is taken from the variable ${name}, which is not set`, "set it");
  if (value === "") return missing(`is taken from the variable ${name}, which is empty`, "give it a value");
  return { ok: true, secret: Redacted.make(value, { label }) };
}

function missing(expected: string, advice: string): SecretResult {
  return { ok: false, expected, advice };
}
