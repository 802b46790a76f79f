// What a command line says of the bus: how to reach it, who is the gateway, and what operators ask over it.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../adapters/cli/mod.ts";

const facts = { version: "1.2.3", shippedConfigDir: "/opt/config", cwd: "/srv/bot", asker: "ana@desk" };

function parse(line: string | readonly string[]) {
  const argv = typeof line === "string" ? line.split(" ") : line;
  return parseCommandLine(argv, {}, facts);
}
function refusal(line: string | readonly string[]): string {
  const parsed = parse(line);
  if (parsed.kind !== "usage") throw new Error(`was understood as ${parsed.kind}`);
  return parsed.message;
}
const LOGIN = [
  ["--nats-user", "bot"],
  ["--nats-password-file", "pw"],
  ["--nats-token-file", "token"],
  ["--nats-nkey", "seed"],
  ["--nats-creds", "bot.creds"],
] as const;

describe("the way to the bus", () => {
  test("is the same on every command that uses it, with absolute paths", () => {
    const flags =
      "--nats tls://h:4222 --nats-user bot --nats-password-file pw --nats-tls-ca ca.pem --nats-tls-cert /c.pem --nats-tls-key k.pem --nats-inbox-prefix _INBOX_bot";
    const lines = ["run", "gateway", "status", "nats init", "gateway-check", "resume BONK-USD"];
    for (const line of lines) {
      expect(parse(`${line} ${flags}`)).toMatchObject({
        configDir: "/opt/config",
        nats: {
          url: "tls://h:4222",
          user: "bot",
          passwordFile: "/srv/bot/pw",
          tokenFile: null,
          nkeyFile: null,
          credsFile: null,
          caFile: "/srv/bot/ca.pem",
          certFile: "/c.pem",
          keyFile: "/srv/bot/k.pem",
          inboxPrefix: "_INBOX_bot",
        },
      });
    }
  });

  test.each(["--nats-token-file", "--nats-nkey", "--nats-creds"])("takes %s as a file", (flag) => {
    const key = { "--nats-token-file": "tokenFile", "--nats-nkey": "nkeyFile" }[flag] ?? "credsFile";
    expect(parse(`run ${flag} it`)).toMatchObject({ nats: { [key]: "/srv/bot/it" } });
  });

  test("is one: two ways to log in are named together", () => {
    for (const [one, a] of LOGIN)
      for (const [other, b] of LOGIN) {
        if (LOGIN.findIndex(([flag]) => flag === one) >= LOGIN.findIndex(([flag]) => flag === other))
          continue;
        const line = `run ${one} ${a} ${other} ${b}`;
        if (one === "--nats-user" && other === "--nats-password-file")
          expect(parse(line)).toMatchObject({ kind: "run" });
        else {
          expect(refusal(line)).toContain(`and ${other}: are two ways to log in; keep one of them`);
          expect(refusal(line)).toContain(one);
        }
      }
  });

  test.each(["purgatory.>", "a..b", "a b", "*", "", "a.*"])("has no inbox prefix such as %j", (prefix) => {
    expect(refusal(["run", "--nats-inbox-prefix", prefix])).toContain("--nats-inbox-prefix");
  });

  test("has no secret in a flag", () => {
    for (const flag of ["--nats-password", "--nats-token"])
      expect(refusal(["run", `${flag}=hunter2`])).toMatch(new RegExp(`^unknown option '${flag}'`));
  });
});

describe("--nats spawn", () => {
  test("is for run", () => {
    expect(parse("run --nats spawn")).toMatchObject({ nats: { url: "spawn" } });
  });

  test.each(["gateway", "status", "nats init", "gateway-check", "resume BONK-USD"])(
    "cannot be where nobody would keep the server: %s",
    (line) => {
      expect(refusal(`${line} --nats spawn`)).toContain("--nats spawn: expected an address: only run starts");
    },
  );

  test.each(["--nats-user bot", "--nats-creds x", "--nats-tls-ca ca.pem"])("does not go with %s", (flag) => {
    expect(refusal(`run --nats spawn ${flag}`)).toContain(`--nats spawn and ${flag.split(" ")[0]}: `);
  });
});

describe("run --gateway", () => {
  test("is own, or external", () => {
    expect(parse("run")).toMatchObject({ gateway: "own" });
    expect(parse("run --gateway external --nats nats://h:1")).toMatchObject({ gateway: "external" });
    expect(refusal("run --gateway extern")).toContain("did you mean external?");
  });

  test("external hurries no clock and reads no script", () => {
    const said = refusal("run --gateway external --speed 60 --script s.yaml");
    expect(said).toMatch(/^--speed and --gateway external: .*\n--script and --gateway external: /);
    expect(parse("run --gateway external --speed 1")).toMatchObject({ speed: 1 });
  });
});

test("gateway places for the paper exchange, and has no clock to hurry", () => {
  expect(parse("gateway --script s.yaml --json")).toEqual({
    kind: "gateway",
    mode: "paper",
    configDir: "/opt/config",
    stateDir: "/srv/bot/.purgatory",
    nats: expect.anything(),
    scriptFile: join(facts.cwd, "s.yaml"),
    json: true,
  });
  expect(refusal("gateway --speed 60")).toContain("unknown option '--speed'");
});

describe("an operator", () => {
  test.each(["purge", "pause", "ban", "abort"])("says why it is to %s", (action) => {
    expect(parse([action, "BONK-USD", "--reason", " bad listing "])).toEqual({
      kind: "operator",
      action,
      symbol: "BONK-USD",
      reason: "bad listing",
      by: "ana@desk",
      stateDir: "/srv/bot/.purgatory",
      mode: "paper",
      configDir: "/opt/config",
      nats: expect.anything(),
      json: false,
    });
    expect(refusal(`${action} BONK-USD`)).toMatch(/^--reason is missing: expected why/);
  });

  test.each(["resume", "reset"])("need not say why it is to %s", (action) => {
    expect(parse(`${action} BONK-USD`)).toMatchObject({ action, reason: "no reason given" });
    expect(parse(`${action} BONK-USD --reason done`)).toMatchObject({ reason: "done" });
  });

  test("may give a name", () => {
    expect(parse("resume BONK-USD --by night-shift --json")).toMatchObject({ by: "night-shift", json: true });
  });

  test("is somebody, also where no name is given", () => {
    const { asker: _, ...others } = facts;
    const parsed = parseCommandLine(["resume", "BONK-USD"], {}, others);
    expect(parsed).toMatchObject({ by: expect.stringMatching(/^\S+@\S+$/) });
  });

  test.each([
    ["bonk", "did you mean BONK-USD?"],
    ["BONK", "did you mean BONK-USD?"],
    ["sei-usdc", "did you mean SEI-USDC?"],
    ["SEI/USD", "did you mean SEI-USD?"],
    ["*", "such as BONK-USD"],
    ["BONK-USD.>", "such as BONK-USD"],
  ])("who writes %s for a symbol is told what was meant", (text, said) => {
    expect(refusal(["resume", text])).toContain(said);
  });

  test("names a symbol", () => {
    expect(refusal("pause")).toBe(
      "pause: expected a SYMBOL, such as BONK-USD\nSee purgatory pause --help.\n",
    );
    expect(refusal("pause BONK-USD SEI-USD")).toContain("too many arguments for 'pause'");
  });

  test.each(["", "  ", "two\nlines", "\u001b[2J", "x".repeat(401), "\ud800"])(
    "gives no reason such as %j",
    (text) => {
      expect(refusal(["pause", "BONK-USD", "--reason", text])).toContain("a text of 1 to 400 characters");
    },
  );
});

describe("nats init", () => {
  test("creates, and changes only when asked to", () => {
    const plain = { kind: "nats init", configDir: "/opt/config", replicas: 1, update: false, json: false };
    expect(parse("nats init")).toEqual({ ...plain, nats: expect.anything() });
    expect(parse("nats init --replicas 3 --update --json")).toMatchObject({
      replicas: 3,
      update: true,
      json: true,
    });
    expect(refusal("nats init --replicas 2")).toContain("--replicas 2: expected one of 1, 3, 5\n");
  });

  test.each([
    ["nats", "nats: expected one of init\nSee purgatory nats --help."],
    ["nats ini", "unknown command 'ini' (Did you mean init?)"],
    ["nats start", "unknown command 'start'; expected one of init"],
    [
      "nats init --updat",
      "unknown option '--updat' (Did you mean --update?)\nSee purgatory nats init --help.",
    ],
  ])("is the only one of its kind: %s", (line, said) => {
    expect(refusal(line)).toContain(said);
  });
});

describe("gateway-check", () => {
  test("tries every clause", () => {
    expect(parse("gateway-check")).toMatchObject({ kind: "gateway-check", timeoutSeconds: 15, only: [] });
  });

  test("tries some, named apart or together", () => {
    expect(parse("gateway-check --timeout 3 --only accept duplicate,cancel-race")).toMatchObject({
      timeoutSeconds: 3,
      only: ["accept", "duplicate", "cancel-race"],
    });
  });

  test.each([
    ["--timeout 0", "--timeout 0: expected a whole number from 1 to 600"],
    ["--only", "--only: expected a CLAUSE after it"],
    ["--only A!", "names of clauses as the report shows them"],
  ])("refuses %s", (flags, said) => {
    expect(refusal(`gateway-check ${flags}`)).toContain(said);
  });
});
