// Whom `purgatory status` asks, and what it does when nobody answers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { OpenControl } from "../../../adapters/cli/control_access.ts";
import { EXIT, ledgerPaths, parseCommandLine, type StatusCommand } from "../../../adapters/cli/mod.ts";
import { status, statusOver } from "../../../adapters/cli/status_command.ts";
import { openSqliteJournal } from "../../../adapters/journal/mod.ts";
import { shippedConfigDir } from "../../../config/mod.ts";
import { control, server } from "../control/control_kit.ts";
import { bonk, invalidSize } from "./statuses.ts";
import { body, reply } from "./supervisor_reply.ts";

const root = mkdtempSync(join(tmpdir(), "purgatory-status-"));
afterAll(() => rmSync(root, { recursive: true }));

function command(flags: readonly string[] = []): StatusCommand {
  const facts = { version: "1", shippedConfigDir, cwd: root };
  const parsed = parseCommandLine(["status", ...flags], {}, facts);
  if (parsed.kind !== "status") throw new Error(JSON.stringify(parsed));
  return parsed;
}
async function withLedger(name: string): Promise<string> {
  const state = join(root, name);
  const journal = await openSqliteJournal(ledgerPaths(state, "paper").journal);
  await journal.close();
  return state;
}
const URL = "nats://h:1";
const nobody: OpenControl = async () => ({ ok: false, code: "nobody", message: `${URL}: nobody answers` });
function answering(status: ReturnType<typeof reply>): OpenControl {
  return async (ask) => ({
    ok: true,
    value: await ask({
      status: async () => status,
      symbol: async (symbol) =>
        reply({ symbols: [body(bonk)] }).symbols.find((each) => each.symbol === symbol) ?? null,
      act: async () => {
        throw new Error("status acts on nothing");
      },
    }),
  });
}

describe("status", () => {
  test("asks the supervisor, and tells the exchange's raw words that a page leaves out", async () => {
    const page = reply({
      symbols: [body({ ...bonk, lastRejection: { ...invalidSize, raw_response: null } })],
    });
    const answer = await statusOver(command(), { url: URL, control: answering(page) });
    expect([answer.exitCode, answer.errors]).toEqual([0, ""]);
    expect(answer.text).toMatch(/^paper supervisor: running/);
    expect(answer.text).toContain('"error":"INVALID_ORDER_CONFIGURATION"');
  });

  test("reads the file where nobody answers, and says why", async () => {
    const state = await withLedger("quiet");
    const answer = await statusOver(command(["--state", state]), { url: URL, control: nobody });
    expect(answer.exitCode).toBe(0);
    expect(answer.errors).toBe(`${URL}: nobody answers\nThis is what the ledger's file says:`);
    expect(answer.text).toContain(`paper ledger ${join(state, "paper")}: stopped; empty`);
  });

  test("fails where nobody answers and there is no file", async () => {
    const state = join(root, "nowhere");
    const answer = await statusOver(command(["--state", state]), { url: URL, control: nobody });
    expect(answer).toMatchObject({ exitCode: EXIT.failed, text: "" });
    expect(answer.errors).toMatch(/^nats:\/\/h:1: nobody answers\n.*there is no journal here/);
  });

  test("does not take a live supervisor for the paper one", async () => {
    const state = await withLedger("other-mode");
    const live = answering(reply({ mode: "live" }));
    const answer = await statusOver(command(["--state", state]), { url: URL, control: live });
    expect(answer.errors).toContain("works in live mode (process 4711 on desk-3), not paper");
    expect(answer.text).toContain("paper ledger");
  });

  test("over a real server shows what the supervisor has", async () => {
    const { url } = await server();
    await control({ url });
    const answer = await status(command(["--nats", url, "--json"]));
    expect([answer.exitCode, answer.errors]).toEqual([0, ""]);
    expect(JSON.parse(answer.text)).toMatchObject({
      source: "supervisor",
      mode: "paper",
      ledger_id: "ledger-1",
      pid: process.pid,
      bus: url,
      connection: { connected: true },
    });
  });

  test("is not kept from the ledger by a broken configuration", async () => {
    const state = await withLedger("broken");
    const answer = await status(
      command(["--state", state, "--nats", "nats://h:1", "--nats-creds", "nowhere"]),
    );
    expect(answer.exitCode).toBe(0);
    expect(answer.errors).toMatch(/nowhere.*\n[\s\S]*This is what the ledger's file says/);
    expect(answer.text).toContain("paper ledger");
  });
});
