// The commands as a user meets them: what they print, how they end, and what they refuse.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openJournalReader } from "../../adapters/journal/mod.ts";
import { shippedConfigDir } from "../../config/mod.ts";
import { runPurgatory, startPurgatory } from "./killable_run.ts";

const root = mkdtempSync(join(tmpdir(), "purgatory-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
function fresh(): string {
  count += 1;
  return join(root, String(count));
}

async function recordsIn(state: string, mode = "paper"): Promise<number> {
  const journal = await openJournalReader(join(state, mode, "journal.sqlite"));
  let records = 0;
  for await (const _ of journal.read()) records += 1;
  await journal.close();
  return records;
}

describe("run", () => {
  test("in live mode answers that it is not available yet", async () => {
    const { code, errors } = await runPurgatory(["run", "--mode", "live", "--state", fresh()]);
    expect([code, errors]).toEqual([5, expect.stringContaining("live mode is not available yet")]);
  });

  test("dry says what it would sell, and neither sells nor records anything", async () => {
    const state = fresh();
    const { code, lines } = await runPurgatory([
      "run",
      "--mode",
      "dry-run",
      "--cycles",
      "3",
      "--speed",
      "max",
      "--state",
      state,
    ]);
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain("would sell BONK-USD");
    expect(await recordsIn(state, "dry-run")).toBe(0);
    expect(existsSync(join(state, "paper"))).toBe(false);
  });

  test("ends in good order on SIGTERM, with a summary, and goes on from there the next time", async () => {
    const state = fresh();
    const first = startPurgatory(["run", "--state", state]);
    await first.line("Slice 1 of BONK-USD placed");
    first.signal("SIGTERM");
    const { code, lines, errors } = await first.ended;
    expect([code, errors]).toEqual([0, ""]);
    expect(lines.join("\n")).toMatch(/Summary\n +ended +stopped in good order/);
    const second = startPurgatory(["run", "--state", state]);
    await second.line("Recovered BONK-USD in purging");
    second.signal("SIGINT");
    expect((await second.ended).code).toBe(0);
  });

  test("with --json prints nothing but JSON, and its summary last", async () => {
    const { lines } = await runPurgatory([
      "run",
      "--cycles",
      "1",
      "--speed",
      "max",
      "--json",
      "--state",
      fresh(),
    ]);
    const documents = lines.map((line) => JSON.parse(line));
    expect(documents.at(-1)).toMatchObject({ type: "run.summary", summary: { cycles: 1, attempts: 2 } });
  });

  test("is refused while another process has the ledger, and names that process", async () => {
    const state = fresh();
    const first = startPurgatory(["run", "--state", state]);
    await first.line("Cycle 1");
    const { code, errors } = await runPurgatory(["run", "--state", state]);
    expect([code, errors]).toEqual([3, expect.stringContaining(`pid ${first.pid}`)]);
    first.signal("SIGTERM");
    await first.ended;
  });

  test("leaves a damaged ledger as it is, and says so", async () => {
    const state = fresh();
    await runPurgatory(["run", "--cycles", "1", "--speed", "max", "--state", state]);
    const file = join(state, "paper", "journal.sqlite");
    const garbage = "this is no database, and must not become one";
    writeFileSync(file, garbage);
    const { code, errors } = await runPurgatory(["run", "--cycles", "1", "--state", state]);
    expect([code, errors]).toEqual([3, expect.stringContaining(file)]);
    expect(readFileSync(file, "utf8")).toBe(garbage);
  });

  test("says what is wrong with a paper script, and starts nothing", async () => {
    const script = join(root, "bad.yaml");
    writeFileSync(script, "account: { USD: lots }\nproducts: {}\nbehavior: {}\n");
    const { code, errors } = await runPurgatory(["run", "--script", script, "--state", fresh()]);
    expect(code).toBe(1);
    expect(errors).toContain("behaviour");
    expect(errors).toContain("account.USD");
  });

  test("says that nobody answers at the bus, and ends", { timeout: 60_000 }, async () => {
    const { code, errors } = await runPurgatory(["run", "--nats", "nats://127.0.0.1:1", "--state", fresh()]);
    expect([code, errors]).toEqual([1, expect.stringContaining("127.0.0.1:1")]);
  });

  test("under a permission that is too small names the missing flag", async () => {
    const state = fresh();
    const nodeFlags = ["--permission", "--allow-fs-read=*"];
    const { code, errors } = await startPurgatory(["run", "--state", state], { nodeFlags }).ended;
    expect([code, errors]).toEqual([4, expect.stringContaining(`--allow-fs-write=${join(state, "paper")}`)]);
  });

  test("serves metrics, health and status where a port is asked for", async () => {
    const run = startPurgatory(["run", "--http-port", "0", "--state", fresh()]);
    const [, url] = /HTTP on (\S+):\s/.exec(await run.line("/healthz")) ?? [];
    await run.line("Cycle 1");
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/purgatory_symbol_state\{symbol="BONK-USD",state="purging"\} 1/);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const status: unknown = await (await fetch(`${url}/status`)).json();
    expect(status).toMatchObject({ mode: "paper", ready: true });
    run.signal("SIGTERM");
    expect((await run.ended).code).toBe(0);
  });
});

describe("status", () => {
  test("of a running ledger names the process, its grants, and each failure in full", async () => {
    const state = fresh();
    await runPurgatory(["run", "--cycles", "3", "--speed", "max", "--state", state]);
    const stopped = await runPurgatory(["status", "--state", state]);
    const text = stopped.lines.join("\n");
    expect(text).toMatch(/paper ledger .*: stopped/);
    expect(text).toMatch(/BONK-USD +backoff\.waiting +3/);
    expect(text).toContain('"error":"INVALID_ORDER_CONFIGURATION"');
    const run = startPurgatory(["run", "--state", state]);
    await run.line("Cycle 1");
    const { code, lines } = await runPurgatory(["status", "--json", "--state", state]);
    expect([code, JSON.parse(lines.join())]).toEqual([
      0,
      expect.objectContaining({
        running: true,
        pid: run.pid,
        grants: expect.objectContaining({ write: [join(state, "paper")], network: [] }),
      }),
    ]);
    run.signal("SIGTERM");
    await run.ended;
  });

  test("of a ledger that is not there says so, and makes none", async () => {
    const state = fresh();
    const { code, errors } = await runPurgatory(["status", "--state", state]);
    expect([code, errors]).toEqual([3, expect.stringContaining("there is no journal here")]);
    expect(existsSync(state)).toBe(false);
  });
});

describe("check", () => {
  test("of the shipped files is content", async () => {
    const { code, lines } = await runPurgatory(["check"]);
    expect([code, lines]).toEqual([0, ["✅ All configuration files are valid!"]]);
  });

  test("lists everything that is wrong, with file and line, and fails", async () => {
    const dir = fresh();
    cpSync(shippedConfigDir, dir, { recursive: true });
    writeFileSync(
      join(dir, "policy.yaml"),
      "portfolio_management:\n  purge_execution:\n    slice_usd: 0.5\n    slice_us: 5\n",
    );
    const { code, errors } = await runPurgatory(["check", dir]);
    expect(code).toBe(1);
    expect(errors).toMatch(/policy\.yaml:3.*slice_usd.*0\.5/);
    expect(errors).toMatch(/policy\.yaml:4.*did you mean/);
  });
});

describe("graph", () => {
  test.each([
    ["mermaid", /^stateDiagram-v2/],
    ["dot", /^digraph "purge"/],
  ])("draws the machine as %s", async (format, start) => {
    const { code, lines } = await runPurgatory(["graph", "--format", format]);
    expect(code).toBe(0);
    expect(lines.join("\n")).toMatch(start);
  });
});

describe("export and import", () => {
  test("carry the failure records from one ledger to another", async () => {
    const from = fresh();
    await runPurgatory(["run", "--cycles", "3", "--speed", "max", "--state", from]);
    const exported = await runPurgatory(["export", "--state", from]);
    expect(JSON.parse(exported.lines.join("\n"))).toMatchObject({
      purge_failures: { "BONK-USD": { failure_count: 3, balance: 889587 } },
    });
    const to = fresh();
    const file = join(root, "failures.json");
    writeFileSync(
      file,
      JSON.stringify({ other: 1, ...JSON.parse(exported.lines.join("\n").replaceAll("2026", "2025")) }),
    );
    const imported = await runPurgatory(["import", file, "--state", to]);
    expect([imported.code, imported.errors]).toEqual([0, ""]);
    expect(await recordsIn(to)).toBe(1);
  });

  test("take nothing in when one entry is malformed, and name it", async () => {
    const state = fresh();
    const good = {
      failure_count: 1,
      last_failed_at_iso: "2025-11-11T22:00:00",
      last_error: "x",
      balance: 1,
      value_usd: 9,
    };
    const input = JSON.stringify({
      purge_failures: { "SEI-USD": good, "BONK-USD": { ...good, failure_count: -1 } },
    });
    const { code, errors } = await startPurgatory(["import", "-", "--state", state], { input }).ended;
    expect([code, errors]).toEqual([1, expect.stringContaining("BONK-USD")]);
    expect(existsSync(join(state, "paper", "journal.sqlite"))).toBe(false);
  });
});

test("a word that is no command is answered with what was meant, and exit code 2", async () => {
  const { code, errors } = await runPurgatory(["stauts"]);
  expect([code, errors]).toEqual([2, expect.stringContaining("status")]);
});
