// Who the program is to a NATS server: what wins over what, what contradicts what, and that no secret ever shows.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import * as Redacted from "effect/Redacted";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  configTexts,
  formatProblem,
  type NatsAccessFlags,
  type NatsConfig,
  natsAccess,
  natsFiles,
  parseConfig,
  tokenAccess,
} from "../../config/mod.ts";

const SEED = `SU${"A".repeat(56)}`;
const CREDS = `-----BEGIN NATS USER JWT-----\njwt\n-----BEGIN USER NKEY SEED-----\n${SEED}\n`;
const CERT = "-----BEGIN CERTIFICATE-----\nMII\n";
const KEY = "-----BEGIN PRIVATE KEY-----\nMII\n";
const URL = "nats://127.0.0.1:4222";

let dir = "";
const at = (name: string): string => join(dir, name);
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "purgatory-access-"));
  const files = {
    password: "from-file\n",
    token: "tok\n",
    seed: SEED,
    creds: CREDS,
    cert: CERT,
    key: KEY,
    sealed: "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    empty: "\n",
    hunter2: "hunter2-correct-horse\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const NO_FLAGS: NatsAccessFlags = {
  url: null,
  user: null,
  passwordFile: null,
  tokenFile: null,
  nkeyFile: null,
  credsFile: null,
  caFile: null,
  certFile: null,
  keyFile: null,
  inboxPrefix: null,
};

/** What app.yaml's `nats:` says, with its secrets by name of a variable. */
function app(nats = `{url: "${URL}"}`, env = {}): NatsConfig {
  const texts = { "universe.yaml": "tiers: {core: {symbols: [SOL-USD]}}", "app.yaml": `nats: ${nats}` };
  const result = parseConfig(configTexts(texts), env);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.config.app.nats;
}

/** Everything that was resolved, opened, without what is null. */
function opened(flags: Partial<NatsAccessFlags>, env = {}, from = app()): Record<string, unknown> {
  const result = natsAccess(from, { ...NO_FLAGS, ...flags }, env);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  const { tls, ...rest } = result.nats;
  const all = Object.entries({ ...rest, ...(tls ?? {}) });
  return Object.fromEntries(
    all.flatMap(([name, value]) =>
      value === null ? [] : [[name, Redacted.isRedacted(value) ? Redacted.value(value) : value]],
    ),
  );
}

function refused(flags: Partial<NatsAccessFlags>, env = {}, from = app()): readonly string[] {
  const result = natsAccess(from, { ...NO_FLAGS, ...flags }, env);
  return result.ok ? [] : result.problems.map(formatProblem);
}

describe("each kind of credential", () => {
  test("can come by a flag, from a file", () => {
    expect(opened({ user: "me", passwordFile: at("password") })).toEqual({
      url: URL,
      user: "me",
      password: "from-file",
    });
    expect(opened({ tokenFile: at("token") })).toEqual({ url: URL, token: "tok" });
    expect(opened({ nkeyFile: at("seed") })).toEqual({ url: URL, nkeySeed: SEED });
    expect(opened({ credsFile: at("creds") })).toEqual({ url: URL, credentials: CREDS.trimEnd() });
    const tls = { caFile: at("cert"), certFile: at("cert"), keyFile: at("key") };
    expect(opened(tls)).toEqual({ url: URL, ca: CERT.trimEnd(), cert: CERT.trimEnd(), key: KEY.trimEnd() });
  });

  test("can come from the environment, by the names that the nats tool has for it", () => {
    expect(opened({}, { NATS_USER: "me", NATS_PASSWORD: "pw" })).toEqual({
      url: URL,
      user: "me",
      password: "pw",
    });
    expect(opened({}, { NATS_TOKEN: "tok" })).toEqual({ url: URL, token: "tok" });
    expect(opened({}, { NATS_NKEY: at("seed") })).toEqual({ url: URL, nkeySeed: SEED });
    expect(opened({}, { NATS_CREDS: at("creds") })).toEqual({ url: URL, credentials: CREDS.trimEnd() });
    const tls = { NATS_CA: at("cert"), NATS_CERT: at("cert"), NATS_KEY: at("key") };
    expect(opened({}, tls)).toMatchObject({ ca: CERT.trimEnd(), key: KEY.trimEnd() });
  });

  test("can come from app.yaml", () => {
    const env = { S: SEED, C: CREDS, T: CERT, K: KEY };
    expect(opened({}, {}, app(`{url: "${URL}", nkey: {env: S}, inbox_prefix: _INBOX_a.b}`, env))).toEqual({
      url: URL,
      nkeySeed: SEED,
      inboxPrefix: "_INBOX_a.b",
    });
    const tls = "tls_ca: {env: T}, tls_cert: {env: T}, tls_key: {env: K}";
    expect(opened({}, {}, app(`{url: "${URL}", creds: {env: C}, ${tls}}`, env))).toEqual({
      url: URL,
      credentials: CREDS,
      ca: CERT,
      cert: CERT,
      key: KEY,
    });
  });
});

describe("what wins", () => {
  const yaml = `{url: "${URL}", user: yaml, password: {env: P}}`;
  const fromYaml = app(yaml, { P: "yaml-pw" });

  test("a flag over the environment, the environment over app.yaml", () => {
    const env = { NATS_USER: "env", NATS_PASSWORD: "env-pw" };
    expect(opened({}, {}, fromYaml)).toMatchObject({ user: "yaml", password: "yaml-pw" });
    expect(opened({}, env, fromYaml)).toMatchObject({ user: "env", password: "env-pw" });
    expect(opened({ user: "flag", passwordFile: at("password") }, env, fromYaml)).toMatchObject({
      user: "flag",
      password: "from-file",
    });
    expect(opened({ url: "nats://10.0.0.1:4222" }, {}, fromYaml)).toMatchObject({
      url: "nats://10.0.0.1:4222",
    });
  });

  test("a user's name may come from one place and its password from another", () => {
    expect(opened({ user: "flag" }, { NATS_PASSWORD: "env-pw" }, fromYaml)).toMatchObject({
      user: "flag",
      password: "env-pw",
    });
  });

  test("another way to say who one is hides those below it whole", () => {
    expect(opened({ credsFile: at("creds") }, { NATS_PASSWORD: "stray" }, fromYaml)).toEqual({
      url: URL,
      credentials: CREDS.trimEnd(),
    });
    expect(opened({}, { NATS_TOKEN: "tok" }, fromYaml)).toEqual({ url: URL, token: "tok" });
  });

  test("certificates of the environment go with an identity of app.yaml", () => {
    expect(opened({}, { NATS_CA: at("cert") }, fromYaml)).toMatchObject({
      user: "yaml",
      ca: CERT.trimEnd(),
    });
  });

  test("an empty variable is not set", () => {
    expect(opened({}, { NATS_TOKEN: "", NATS_CREDS: "" }, fromYaml)).toMatchObject({ user: "yaml" });
  });
});

describe("the address", () => {
  test("never comes from NATS_URL, which may belong to another program", () => {
    expect(opened({}, { NATS_URL: "nats://elsewhere:4222" })).toEqual({ url: URL });
    expect(opened({}, { NATS_URL: "nats://elsewhere:4222" }, app("{}"))).toEqual({});
  });

  test("that there is none means that no variable and no file is looked at", () => {
    expect(opened({}, { NATS_CREDS: "/nowhere", NATS_PASSWORD: "pw" }, app("{}"))).toEqual({});
  });

  test("of a server to be spawned takes no credentials from anywhere", () => {
    expect(opened({ url: "spawn" }, { NATS_CREDS: "/nowhere", NATS_PASSWORD: "pw" })).toEqual({
      url: "spawn",
    });
  });

  test("with a password in it is refused, and not repeated", () => {
    const [said] = refused({ url: "nats://me:hunter2@127.0.0.1:4222" });
    expect(said).toBe(
      "command line: --nats holds a user or password; name the user with --nats-user, and the password in a file with --nats-password-file",
    );
  });
});

describe("what is refused", () => {
  test.each<[string, () => readonly string[], string]>([
    [
      "two ways in one source",
      () => refused({ tokenFile: at("token"), credsFile: at("creds") }),
      "command line: --nats-creds is given beside --nats-token-file; keep one of them",
    ],
    [
      "two ways in the environment",
      () => refused({}, { NATS_USER: "me", NATS_NKEY: at("seed") }),
      "environment: NATS_NKEY is given beside NATS_USER; keep one of them",
    ],
    [
      "a password without a user anywhere",
      () => refused({}, { NATS_PASSWORD: "stray" }),
      "environment: NATS_PASSWORD is given without --nats-user, NATS_USER or nats.user; name both, or neither",
    ],
    [
      "a certificate without its key",
      () => refused({ certFile: at("cert") }),
      "command line: --nats-tls-cert is given without --nats-tls-key, NATS_KEY or nats.tls_key; name both, or neither",
    ],
    [
      "a file that is not there",
      () => refused({ credsFile: at("nowhere") }),
      "command line: --nats-creds is taken from the file DIR/nowhere, which does not exist; create it, or correct the path",
    ],
    [
      "a file with nothing in it",
      () => refused({}, { NATS_CREDS: at("empty") }),
      "environment: NATS_CREDS is taken from the file DIR/empty, which is empty; write the secret into it",
    ],
    [
      "a directory",
      () => refused({ user: "me", passwordFile: dir }),
      "command line: --nats-password-file is taken from the file DIR, which is not a regular file; put a file or a link to one in its place",
    ],
    [
      "a seed that is none",
      () => refused({ nkeyFile: at("hunter2") }),
      "command line: --nats-nkey leads to something without the seed of a user's nkey (58 characters that begin with SU): DIR/hunter2; correct what it leads to",
    ],
    [
      "a key under a passphrase",
      () => refused({ certFile: at("cert"), keyFile: at("sealed") }),
      "command line: --nats-tls-key leads to a private key under a passphrase, which nobody is there to type: DIR/sealed; give one without, readable by this user alone: openssl pkey -in KEY -out PLAIN_KEY",
    ],
    [
      "an inbox prefix with a wildcard",
      () => refused({ inboxPrefix: "_INBOX.>" }),
      "command line: --nats-inbox-prefix is not a subject of plain words; write one such as _INBOX_me",
    ],
  ])("%s", (_name, run, said) => {
    expect(run().map((line) => line.replaceAll(dir, "DIR"))).toEqual([said]);
  });
});

describe("the files to be granted", () => {
  test("are those that will be read, and no others", () => {
    const flags = { ...NO_FLAGS, credsFile: at("creds"), caFile: at("cert") };
    const env = { NATS_NKEY: at("seed"), NATS_PASSWORD: "pw", NATS_KEY: at("key") };
    expect(natsFiles(flags, env).toSorted()).toEqual([at("cert"), at("creds"), at("key")]);
  });

  test("are absolute, also where a variable's path is relative", () => {
    expect(natsFiles(NO_FLAGS, { NATS_CREDS: "bus.creds" })).toEqual([join(process.cwd(), "bus.creds")]);
  });
});

describe("a secret does not show", () => {
  const secret = "hunter2-correct-horse";
  const shapes = (value: unknown): string =>
    [JSON.stringify(value), inspect(value, { depth: null, showHidden: true }), String(value)].join();

  test("in what was resolved", () => {
    const flags = { ...NO_FLAGS, user: "me", passwordFile: at("hunter2") };
    expect(shapes(natsAccess(app(), flags, {}))).not.toContain(secret);
    expect(shapes(natsAccess(app(), NO_FLAGS, { NATS_TOKEN: secret }))).not.toContain(secret);
    expect(shapes(natsAccess(app(), { ...NO_FLAGS, nkeyFile: at("seed") }, {}))).not.toContain(SEED);
    expect(shapes(natsAccess(app(), { ...NO_FLAGS, credsFile: at("creds") }, {}))).not.toContain(SEED);
    const tls = { ...NO_FLAGS, certFile: at("cert"), keyFile: at("key") };
    expect(shapes(natsAccess(app(), tls, {}))).not.toContain("PRIVATE KEY");
    expect(shapes(tokenAccess(URL, secret))).not.toContain(secret);
  });

  test("in what is refused", () => {
    for (const flag of ["nkeyFile", "credsFile", "caFile", "certFile", "keyFile"] as const) {
      const said = natsAccess(app(), { ...NO_FLAGS, [flag]: at("hunter2") }, {});
      expect(said.ok).toBe(false);
      expect(shapes(said)).not.toContain(secret);
    }
    expect(shapes(natsAccess(app(), NO_FLAGS, { NATS_PASSWORD: secret, NATS_TOKEN: secret }))).not.toContain(
      secret,
    );
  });
});
