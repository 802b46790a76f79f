// Secrets come from the environment or from files of their own, and never show.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import * as Redacted from "effect/Redacted";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configTexts, formatCheck, loadConfig, parseConfig } from "../../config/mod.ts";

const secret = "hunter2-correct-horse";
const tiers = "tiers: {core: {symbols: [SOL-USD]}}";

const load = (app: string, env = {}, files = {}) =>
  parseConfig(configTexts({ "universe.yaml": tiers, "app.yaml": app }, files), env);

describe("a secret in a loaded configuration", () => {
  const result = load("nats: {user: {env: ME}, password: {file: pw}}", { ME: secret }, { pw: `${secret}\n` });

  test("can be had by whoever asks for it", () => {
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { user, password, token } = result.config.app.nats;
    expect([user, password].map((each) => each && Redacted.value(each))).toEqual([secret, secret]);
    expect(token).toBeNull();
  });

  test.each([
    ["JSON", JSON.stringify],
    ["inspect", (value: unknown) => inspect(value, { depth: null, showHidden: true })],
    ["a template", (value: object) => Object.values(value).join()],
    ["the check", formatCheck],
  ])("does not show in %s", (_name, print: (value: typeof result) => string) => {
    expect(print(result)).not.toContain(secret);
  });

  test("says which one it is in its place", () => {
    expect(JSON.stringify(result)).toContain("<redacted:nats.password>");
  });
});

describe("a secret in the wrong place is refused and not repeated", () => {
  test.each([
    ["inline", `nats: {user: me, password: ${secret}}`],
    ["inline and quoted", `nats: {token: "${secret}"}`],
    ["in the address", `nats: {url: "nats://me:${secret}@127.0.0.1"}`],
    ["as the whole section", `nats: ${secret}`],
    ["in a list", `nats: {token: [${secret}]}`],
    ["under a wrong key", `nats: {token: {value: ${secret}}}`],
    ["under a mistyped key", `nats: {pasword: ${secret}}`],
    ["as the name of a variable", `nats: {token: {env: "${secret}"}}`],
    ["beside a good reference", `nats: {token: {env: TOKEN, value: ${secret}}}`],
    ["with a tag", `nats: {token: !secret ${secret}}`],
    ["behind an alias", `nats: {user: &a "${secret} x", token: *a}`],
    ["on a line that is not YAML", `nats:\n  password: "${secret}" ${secret}\n`],
    ["in a quote that does not end", `nats:\n  password: "${secret}\n`],
    ["with a bad escape", `nats:\n  password: "\\q${secret}"\n`],
    ["as an unknown word after a bracket", `nats: {token: {env: T}} ${secret}\n`],
  ])("%s", (_name, app) => {
    const result = load(app, { TOKEN: "t" });
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toContain(secret);
    expect(formatCheck(result)).not.toContain(secret);
  });
});

describe("a secret's file", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "purgatory-secret-"));
    writeFileSync(join(dir, "universe.yaml"), tiers);
    writeFileSync(join(dir, "app.yaml"), "nats: {token: {file: token}}");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const token = () => {
    const result = loadConfig(dir, {});
    if (!result.ok) return result.problems.map(({ expected, advice }) => `${expected}; ${advice}`);
    return result.config.app.nats.token === null ? null : Redacted.value(result.config.app.nats.token);
  };

  test("is looked for beside app.yaml; the newline at its end is not part of the secret", () => {
    writeFileSync(join(dir, "token"), `${secret}\r\n`);
    expect(token()).toBe(secret);
  });

  test.each([
    ["empty", "\n", "is taken from the file token, which is empty; write the secret into it"],
    [
      "of two lines",
      "a\nb\n",
      "is taken from the file token, which has more than one line; keep the secret alone on one line",
    ],
    [
      "not UTF-8",
      Buffer.from([0xff]),
      "is taken from the file token, which is not UTF-8 here; save it as UTF-8 text",
    ],
  ])("that is %s is refused", (_name, content, said) => {
    writeFileSync(join(dir, "token"), content);
    expect(token()).toEqual([said]);
  });

  test("that is not there is named", () => {
    expect(token()).toEqual([
      "is taken from the file token, which does not exist; create it, or correct the path",
    ]);
  });
});

test("a variable that an object has by nature is not one of the environment", () => {
  expect(load("nats: {token: {env: constructor}}").ok).toBe(false);
});
