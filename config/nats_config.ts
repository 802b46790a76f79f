// How to reach and enter the NATS server: the address from app.yaml, the secrets from where it says they are.
import * as Redacted from "effect/Redacted";
import type { AppFile } from "./app_schema.ts";
import type { NatsConfig } from "./config.ts";
import type { Decoded } from "./decode.ts";
import type { FileRead } from "./files.ts";
import { isReference } from "./keys.ts";
import type { Problem, ProblemCode } from "./problem.ts";
import { type Environment, resolveSecret } from "./secrets.ts";

type Credential = "user" | "password" | "token";

/** Looks every secret up, also where the rest of the file has faults, so that all are reported at once. */
export function natsConfig(
  app: Decoded<AppFile>,
  env: Environment,
  files: ReadonlyMap<string, FileRead>,
): { readonly config: NatsConfig; readonly problems: readonly Problem[] } {
  const problems = contradictions(app);
  const found = (name: Credential) => {
    const value = app.effective(`nats.${name}`)?.value;
    if (typeof value === "string") return Redacted.make(value, { label: `nats.${name}` });
    if (!isReference(value)) return null;
    const result = resolveSecret(value, `nats.${name}`, env, files);
    if (result.ok) return result.secret;
    problems.push(problem(app, name, "config_secret_missing", result.expected, result.advice));
    return null;
  };
  const [user, password, token] = [found("user"), found("password"), found("token")];
  return { config: { url: app.value?.nats.url ?? null, user, password, token }, problems };
}

function contradictions(app: Decoded<AppFile>): Problem[] {
  const isGiven = (name: Credential) => (app.effective(`nats.${name}`)?.value ?? null) !== null;
  const isAbsent = (name: Credential) => app.effective(`nats.${name}`)?.value === null;
  const problems: Problem[] = [];
  if (isGiven("token") && isGiven("password"))
    problems.push(
      problem(app, "token", "config_conflict", "is given beside nats.password", "keep one of them"),
    );
  if (isGiven("password") && isAbsent("user"))
    problems.push(
      problem(app, "password", "config_conflict", "is given without nats.user", "name the user too"),
    );
  return problems;
}

function problem(
  app: Decoded<AppFile>,
  name: Credential,
  code: ProblemCode,
  expected: string,
  advice: string,
): Problem {
  const path = `nats.${name}`;
  const node = app.effective(path)?.node;
  const [line, column] = [node?.line ?? null, node?.column ?? null];
  return { code, file: app.file, line, column, path, value: null, expected, advice };
}
