// How to reach and enter the NATS server: the address from app.yaml, the secrets from where it says they are.
import * as Redacted from "effect/Redacted";
import type { AppFile } from "./app_schema.ts";
import type { NatsConfig } from "./config.ts";
import type { Decoded } from "./decode.ts";
import type { FileRead } from "./files.ts";
import { isReference } from "./keys.ts";
import { type Credential, credentialNames, malformed, wantedOf } from "./nats_credentials.ts";
import type { Problem, ProblemCode } from "./problem.ts";
import { type Environment, resolveSecret } from "./secrets.ts";

export type Credentials = { readonly [C in Credential]: Redacted.Redacted<string> | null };

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
    const result = resolveSecret(value, wantedOf(name), env, files);
    if (!result.ok) {
      problems.push(problem(app, name, "config_secret_missing", result.expected, result.advice));
      return null;
    }
    const fault = malformed(name, Redacted.value(result.secret));
    if (fault === null) return result.secret;
    problems.push(problem(app, name, "config_secret_malformed", fault.expected, fault.advice));
    return null;
  };
  const credentials: Credentials = {
    user: found("user"),
    password: found("password"),
    token: found("token"),
    nkey: found("nkey"),
    creds: found("creds"),
    tls_ca: found("tls_ca"),
    tls_cert: found("tls_cert"),
    tls_key: found("tls_key"),
  };
  const { url = null, inbox_prefix = null } = app.value?.nats ?? {};
  return { config: assemble(url, credentials, inbox_prefix), problems };
}

/** A configuration from its parts. */
export function assemble(
  url: string | null,
  credentials: Credentials,
  inboxPrefix: string | null,
): NatsConfig {
  const { user, password, token, nkey, creds, tls_ca, tls_cert, tls_key } = credentials;
  const open = (pem: Redacted.Redacted<string> | null) => (pem === null ? null : Redacted.value(pem));
  const hasTls = [tls_ca, tls_cert, tls_key].some((pem) => pem !== null);
  const tls = hasTls ? { ca: open(tls_ca), cert: open(tls_cert), key: tls_key } : null;
  return { url, user, password, token, nkeySeed: nkey, credentials: creds, tls, inboxPrefix };
}

/** Which keys of one place contradict each other, and how; `given` are the ones that it names. */
export function contradictionsOf(
  given: ReadonlySet<Credential>,
  nameOf: (credential: Credential) => string,
): readonly { readonly credential: Credential; readonly expected: string; readonly advice: string }[] {
  const who = credentialNames.filter(
    (name) => given.has(name) && !name.startsWith("tls_") && name !== "user",
  );
  const [first, ...others] = given.has("user") && !given.has("password") ? ["user" as const, ...who] : who;
  const beside = others.map((credential) => ({
    credential,
    expected: `is given beside ${nameOf(first ?? "user")}`,
    advice: "keep one of them",
  }));
  const alone = (credential: Credential, other: Credential) =>
    given.has(credential) && !given.has(other)
      ? [{ credential, expected: `is given without ${nameOf(other)}`, advice: "name both, or neither" }]
      : [];
  return [...beside, ...alone("tls_cert", "tls_key"), ...alone("tls_key", "tls_cert")];
}

function contradictions(app: Decoded<AppFile>): Problem[] {
  const isGiven = (name: Credential) => (app.effective(`nats.${name}`)?.value ?? null) !== null;
  const isAbsent = (name: Credential) => app.effective(`nats.${name}`)?.value === null;
  const given = new Set(credentialNames.filter(isGiven));
  const problems = contradictionsOf(given, (name) => `nats.${name}`).map(({ credential, expected, advice }) =>
    problem(app, credential, "config_conflict", expected, advice),
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
