// Who this program is to a NATS server, and how it reaches it: flags before the environment before app.yaml.
import { resolve } from "node:path";
import * as Redacted from "effect/Redacted";
import type { NatsConfig } from "./config.ts";
import { readText } from "./files.ts";
import { plainSubject } from "./keys.ts";
import { assemble, type Credentials, contradictionsOf } from "./nats_config.ts";
import {
  type Credential,
  credentialNames,
  type Identity,
  identities,
  malformed,
  partsOf,
  wantedOf,
} from "./nats_credentials.ts";
import type { Problem, ProblemCode } from "./problem.ts";
import { type Environment, fromFile } from "./secrets.ts";

/** What flags may say; null where they say nothing. Paths are absolute, and no secret is ever a flag. */
export interface NatsAccessFlags {
  readonly url: string | null;
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly tokenFile: string | null;
  readonly nkeyFile: string | null;
  readonly credsFile: string | null;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly inboxPrefix: string | null;
}

export type NatsAccess =
  | { readonly ok: true; readonly nats: NatsConfig }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Puts address and credentials together, and reads the files that hold them.
 *
 * The environment is asked for credentials only, by the names that the `nats` tool uses: a stray `NATS_URL` must not
 * move a bot to another bus. Who it is comes whole from one way: flags that name a credentials file are not mixed with
 * a password from app.yaml; but a user's name and its password may come from two places. Without a bus, no variable and
 * no file is looked at.
 *
 * @param app what `loadConfig` made of app.yaml
 */
export function natsAccess(app: NatsConfig, flags: NatsAccessFlags, env: Environment): NatsAccess {
  const url = flags.url ?? app.url;
  if (url === null) return { ok: true, nats: assemble(null, NONE, null) };
  if (url === "spawn") return { ok: true, nats: assemble(url, NONE, null) };
  const said = saying(flags, env);
  const problems = [...said.contradictions, ...addressProblems(flags)];
  const identity = said.identity ?? identityOf(app);
  const fromApp = credentialsOf(app);
  const isWanted = (name: Credential) =>
    name.startsWith("tls_") || (identity !== null && partsOf[identity].includes(name));
  const take = (name: Credential): Redacted.Redacted<string> | null => {
    if (!isWanted(name)) return null;
    const given = said.given.get(name);
    if (given === undefined) return fromApp[name];
    const result = read(name, given);
    if ("secret" in result) return result.secret;
    problems.push(result);
    return null;
  };
  const credentials: Credentials = {
    user: take("user"),
    password: take("password"),
    token: take("token"),
    nkey: take("nkey"),
    creds: take("creds"),
    tls_ca: take("tls_ca"),
    tls_cert: take("tls_cert"),
    tls_key: take("tls_key"),
  };
  if (problems.length === 0) problems.push(...halves(credentials, said.given));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, nats: assemble(url, credentials, flags.inboxPrefix ?? app.inboxPrefix) };
}

/** The files that `natsAccess` will read, beside those that app.yaml names: what a process under `--permission` must be
 * granted. */
export function natsFiles(flags: NatsAccessFlags, env: Environment): readonly string[] {
  const { given, identity } = saying(flags, env);
  return [...given].flatMap(([name, { isFile, value }]) => {
    const isRead = name.startsWith("tls_") || (identity !== null && partsOf[identity].includes(name));
    return isRead && isFile ? [value] : [];
  });
}

/** The access to a server that wants a token and nothing else, such as one that this program has started. */
export function tokenAccess(url: string, token: string): NatsConfig {
  return assemble(url, { ...NONE, token: Redacted.make(token, { label: "nats.token" }) }, null);
}

const NONE: Credentials = {
  user: null,
  password: null,
  token: null,
  nkey: null,
  creds: null,
  tls_ca: null,
  tls_cert: null,
  tls_key: null,
};

interface Place {
  readonly flag: string;
  readonly flagKey: keyof NatsAccessFlags;
  readonly isFlagFile: boolean;
  readonly variable: string;
  readonly isVariableFile: boolean;
}
const PLACES: { readonly [C in Credential]: Place } = {
  user: place("--nats-user", "user", false, "NATS_USER", false),
  password: place("--nats-password-file", "passwordFile", true, "NATS_PASSWORD", false),
  token: place("--nats-token-file", "tokenFile", true, "NATS_TOKEN", false),
  nkey: place("--nats-nkey", "nkeyFile", true, "NATS_NKEY", true),
  creds: place("--nats-creds", "credsFile", true, "NATS_CREDS", true),
  tls_ca: place("--nats-tls-ca", "caFile", true, "NATS_CA", true),
  tls_cert: place("--nats-tls-cert", "certFile", true, "NATS_CERT", true),
  tls_key: place("--nats-tls-key", "keyFile", true, "NATS_KEY", true),
};

function place(
  flag: string,
  flagKey: keyof NatsAccessFlags,
  isFlagFile: boolean,
  variable: string,
  isVariableFile: boolean,
): Place {
  return { flag, flagKey, isFlagFile, variable, isVariableFile };
}

/** A credential from outside app.yaml: where it was named, and the text or the path that stands there. */
interface Given {
  readonly source: "command line" | "environment";
  readonly name: string;
  readonly isFile: boolean;
  readonly value: string;
}
interface Saying {
  readonly given: ReadonlyMap<Credential, Given>;
  readonly identity: Identity | null;
  readonly contradictions: readonly Problem[];
}

/** What flags and environment say, the flags first. A lower source that says who one is in another way is not heard. */
function saying(flags: NatsAccessFlags, env: Environment): Saying {
  const sources = [fromFlags(flags), fromVariables(env)] as const;
  const speaker = sources.find((source) => identityIn(source) !== null);
  const identity = speaker === undefined ? null : identityIn(speaker);
  const heard = sources.map(
    (source) => new Map([...source].filter(([name]) => counts(name, source, identity))),
  );
  const contradictions = heard.flatMap((source) =>
    contradictionsOf(new Set(source.keys()), (name) => source.get(name)?.name ?? name)
      .filter(({ expected }) => expected.startsWith("is given beside"))
      .map(({ credential, expected, advice }) =>
        problem(source.get(credential), "config_conflict", expected, advice),
      ),
  );
  return { given: new Map(heard.toReversed().flatMap((source) => [...source])), identity, contradictions };
}

/** Whatever the source that says who one is names, counts: two ways in it are a contradiction to be shown. */
function counts(
  name: Credential,
  source: ReadonlyMap<Credential, Given>,
  identity: Identity | null,
): boolean {
  if (name.startsWith("tls_") || identity === null || identityIn(source) === identity) return true;
  return partsOf[identity].includes(name);
}

function fromFlags(flags: NatsAccessFlags): ReadonlyMap<Credential, Given> {
  return collect((name) => {
    const { flag, flagKey, isFlagFile } = PLACES[name];
    const value = flags[flagKey];
    return value === null ? null : { source: "command line", name: flag, isFile: isFlagFile, value };
  });
}

/** An empty variable is one that is not set, as it is to the `nats` tool. */
function fromVariables(env: Environment): ReadonlyMap<Credential, Given> {
  return collect((name) => {
    const { variable, isVariableFile: isFile } = PLACES[name];
    const value = Object.hasOwn(env, variable) ? (env[variable] ?? "") : "";
    if (value === "") return null;
    return { source: "environment", name: variable, isFile, value: isFile ? resolve(value) : value };
  });
}

function collect(look: (name: Credential) => Given | null): ReadonlyMap<Credential, Given> {
  return new Map(
    credentialNames.flatMap((name) => {
      const given = look(name);
      return given === null ? [] : [[name, given] as const];
    }),
  );
}

function identityIn(given: ReadonlyMap<Credential, unknown>): Identity | null {
  return identities.find((identity) => partsOf[identity].some((name) => given.has(name))) ?? null;
}

function identityOf(app: NatsConfig): Identity | null {
  const credentials = credentialsOf(app);
  const given = credentialNames.filter((name) => credentials[name] !== null);
  return identityIn(new Map(given.map((name) => [name, true])));
}

function credentialsOf({ user, password, token, nkeySeed, credentials, tls }: NatsConfig): Credentials {
  const pem = (text: string | null | undefined, name: Credential) =>
    text === null || text === undefined ? null : Redacted.make(text, { label: `nats.${name}` });
  return {
    user,
    password,
    token,
    nkey: nkeySeed,
    creds: credentials,
    tls_ca: pem(tls?.ca, "tls_ca"),
    tls_cert: pem(tls?.cert, "tls_cert"),
    tls_key: tls?.key ?? null,
  };
}

function read(name: Credential, given: Given): { readonly secret: Redacted.Redacted<string> } | Problem {
  const wanted = wantedOf(name);
  if (!given.isFile) return { secret: Redacted.make(given.value, { label: wanted.label }) };
  const result = fromFile(given.value, readText(given.value), wanted);
  if (!result.ok) return problem(given, "config_secret_missing", result.expected, result.advice);
  const fault = malformed(name, Redacted.value(result.secret));
  if (fault === null) return { secret: result.secret };
  return problem(given, "config_secret_malformed", `${fault.expected}: ${given.value}`, fault.advice);
}

/** A password without a user, and half of a client certificate, whichever places they come from. */
function halves(found: Credentials, given: ReadonlyMap<Credential, Given>): readonly Problem[] {
  const pairs = [
    ["password", "user"],
    ["tls_cert", "tls_key"],
    ["tls_key", "tls_cert"],
  ] as const;
  return pairs.flatMap(([one, other]) => {
    if (found[one] === null || found[other] !== null) return [];
    const { flag, variable } = PLACES[other];
    const expected = `is given without ${flag}, ${variable} or nats.${other}`;
    return [problem(given.get(one), "config_conflict", expected, "name both, or neither", `nats.${one}`)];
  });
}

function addressProblems({ url, inboxPrefix }: NatsAccessFlags): Problem[] {
  const at = (name: string) => ({ source: "command line", name, isFile: false, value: "" }) as const;
  const advice = "name the user with --nats-user, and the password in a file with --nats-password-file";
  const problems: Problem[] = [];
  if (url?.includes("@"))
    problems.push(problem(at("--nats"), "config_secret_inline", "holds a user or password", advice));
  if (inboxPrefix !== null && !plainSubject.test(inboxPrefix))
    problems.push(
      problem(
        at("--nats-inbox-prefix"),
        "config_type",
        "is not a subject of plain words",
        "write one such as _INBOX_me",
      ),
    );
  return problems;
}

function problem(
  given: Given | undefined,
  code: ProblemCode,
  expected: string,
  advice: string,
  key: string | null = null,
): Problem {
  const file = given?.source ?? "app.yaml";
  return { code, file, line: null, column: null, path: given?.name ?? key, value: null, expected, advice };
}
