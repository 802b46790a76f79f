// What an operator is told: what came of it, why nothing came of it, and nothing of another mode.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { expect, describe, test } from "vitest";
import type { OperatorAnswer, OperatorRefusal, OperatorRequest } from "../../../actors/ports.ts";
import { EXIT, natsServerDir, type OperatorCommand, parseCommandLine } from "../../../adapters/cli/mod.ts";
import type { OpenControl } from "../../../adapters/cli/control_access.ts";
import { operate, operateOver } from "../../../adapters/cli/operator_command.ts";
import { ERROR_STATUS } from "../../../adapters/control/mod.ts";
import { shippedConfigDir } from "../../../config/mod.ts";
import { control, server } from "../control/control_kit.ts";
import { reply } from "./supervisor_reply.ts";

const LINE = ["pause", "BONK-USD", "--reason", "listing under review", "--by", "ana"];

function command(argv: readonly string[] = LINE): OperatorCommand {
  const facts = { version: "1", shippedConfigDir, cwd: "/nowhere" };
  const parsed = parseCommandLine(argv, {}, facts);
  if (parsed.kind !== "operator") throw new Error(JSON.stringify(parsed));
  return parsed;
}

/** A supervisor that answers so, and remembers what it was asked. */
function supervisor(answer: OperatorAnswer, status = reply()) {
  const requests: OperatorRequest[] = [];
  const open: OpenControl = async (ask) => ({
    ok: true,
    value: await ask({
      status: async () => status,
      symbol: async () => null,
      act: async (request) => {
        requests.push(request);
        return answer;
      },
    }),
  });
  return { open, requests };
}
const paused: OperatorAnswer = { ok: true, changed: true, seq: 42, state: "suspended" };

describe("an operator", () => {
  test("is told what was, what is now, and where it is recorded", async () => {
    const { open, requests } = supervisor(paused);
    expect(await operateOver(command(), open)).toEqual({
      exitCode: 0,
      text: "BONK-USD paused (was backoff.waiting): now suspended, journal record 42",
      errors: "",
    });
    expect(requests).toEqual([
      { action: "pause", symbol: "BONK-USD", by: "ana", reason: "listing under review" },
    ]);
  });

  test("hears of a symbol that nothing had happened to before", async () => {
    const { open } = supervisor({ ...paused, seq: 1 });
    const { text } = await operateOver(command(["ban", "NEW-USD", "--reason", "x"]), open);
    expect(text).toBe("NEW-USD banned (new to the ledger): now suspended, journal record 1");
  });

  test("hears that there was nothing to change, which is no failure", async () => {
    const { open } = supervisor({ ok: true, changed: false, seq: null, state: "suspended" });
    expect(await operateOver(command(), open)).toEqual({
      exitCode: 0,
      text: "BONK-USD: nothing to change, it is suspended already",
      errors: "",
    });
  });

  const refusals = Object.keys(ERROR_STATUS).filter(
    (code): code is OperatorRefusal => code !== "invalid" && code !== "failed",
  );
  test.each(refusals)("is refused with %s, the reason and what to do", async (code) => {
    const { open } = supervisor({ ok: false, code, message: "because\u001b[2J\nof it" });
    const answer = await operateOver(command(), open);
    expect(answer.exitCode).toBe(EXIT.refused);
    expect(answer.text).toBe("");
    expect(answer.errors).toMatch(new RegExp(`^BONK-USD: ${code}: because \\[2J of it\\n\\S.{15,}$`));
  });

  test("of a paper account does nothing to a live one", async () => {
    const { open, requests } = supervisor(paused, reply({ mode: "live" }));
    const answer = await operateOver(command(), open);
    expect(answer.exitCode).toBe(EXIT.refused);
    expect(answer.errors).toMatch(/^BONK-USD: other_mode: .*live mode.*--mode is paper\nsay --mode live/);
    expect(requests).toEqual([]);
  });

  test("who asked for JSON gets one document, refused or not", async () => {
    const json = command([...LINE, "--json"]);
    const asked = { action: "pause", symbol: "BONK-USD", by: "ana", reason: "listing under review" };
    const fine = await operateOver(json, supervisor(paused).open);
    expect(JSON.parse(fine.text)).toEqual({
      ...asked,
      supervisor: { mode: "paper", ledger_id: "ledger-1", version: "0.1.0", pid: 4711, host: "desk-3" },
      was: "backoff.waiting",
      ok: true,
      changed: true,
      seq: 42,
      state: "suspended",
    });
    const refusal = { ok: false, code: "busy", message: "an attempt is under way" } as const;
    const refused = await operateOver(json, supervisor(refusal).open);
    expect([refused.exitCode, refused.errors]).toEqual([EXIT.refused, ""]);
    expect(JSON.parse(refused.text)).toEqual({ ...asked, ...refusal, advice: expect.any(String) });
    const alone: OpenControl = async () => ({ ok: false, code: "nobody", message: "nobody answers" });
    const unheard = await operateOver(json, alone);
    expect([unheard.exitCode, JSON.parse(unheard.text)]).toEqual([
      EXIT.failed,
      { ...asked, ok: false, code: "nobody", message: "nobody answers" },
    ]);
  });

  test("without a bus is told how to name one", async () => {
    const answer = await operate({ ...command(), stateDir: "/nowhere" });
    expect(answer.exitCode).toBe(EXIT.usage);
    expect(answer.errors).toMatch(/^pause is asked over the bus, .*--nats.*nats\.url.*--nats spawn/);
  });
  test("at a server that a run has left behind is told that nobody runs", async () => {
    const dir = mkdtempSync(join(tmpdir(), "purgatory-operator-"));
    mkdirSync(natsServerDir(dir));
    const file = { port: 4222, token: "a".repeat(64), pid: 1, run: "x" };
    writeFileSync(join(natsServerDir(dir), "server.json"), JSON.stringify(file));
    const answer = await operate({ ...command(), stateDir: dir });
    rmSync(dir, { recursive: true });
    expect([answer.exitCode, answer.errors]).toEqual([
      EXIT.failed,
      expect.stringMatching(/^the NATS server in .* does not run, .*start purgatory run --nats spawn$/),
    ]);
  });
});

describe("over a real server", () => {
  const SeqOf = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ seq: Schema.Int })));
  const over = (url: string, argv: readonly string[]) => operate(command([...argv, "--nats", url]));

  test("what was asked is in the journal when the answer comes", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    const answer = await over(url, [...LINE, "--json"]);
    expect([answer.exitCode, answer.errors]).toEqual([0, ""]);
    const { seq } = SeqOf(answer.text);
    expect(kit.transitions.find((record) => record.seq === seq)?.event).toMatchObject({
      type: "operator.pause",
      by: expect.stringContaining("ana"),
      reason: "listing under review",
    });
    expect((await over(url, ["resume", "BONK-USD"])).text).toBe(
      "BONK-USD resumed (was suspended): now idle, journal record 2",
    );
  });

  test("a symbol that nobody knows is refused, and makes no record", async () => {
    const { url } = await server();
    const { kit } = await control({ url });
    const answer = await over(url, ["pause", "BONKK-USD", "--reason", "x"]);
    expect([answer.exitCode, answer.errors]).toEqual([
      EXIT.refused,
      expect.stringMatching(/^unknown_symbol: BONKK-USD is neither .*check the spelling\n/),
    ]);
    expect(kit.transitions).toEqual([]);
  });

  test("that has no supervisor, it is said that nobody answers", async () => {
    const { url } = await server();
    const answer = await over(url, LINE);
    expect(answer.exitCode).toBe(EXIT.failed);
    expect(answer.errors).toMatch(
      /^BONK-USD: nobody: nats:\/\/127\.0\.0\.1:\d+: .*no supervisor is on this bus/,
    );
  });

  test("that wants a login, it is said who was turned away, and no secret", async () => {
    const { url } = await server({ args: ["--user", "bot", "--pass", "hunter2"] });
    const answer = await over(url, [...LINE, "--nats-user", "bot"]);
    expect(answer.exitCode).toBe(EXIT.failed);
    expect(answer.errors).toContain("turned this client away");
    expect(answer.errors).not.toContain("hunter2");
  });

  test("that is not there, the wait is short", { timeout: 20_000 }, async () => {
    const started = performance.now();
    const answer = await over("nats://127.0.0.1:1", LINE);
    expect([answer.exitCode, answer.errors]).toEqual([
      EXIT.failed,
      expect.stringMatching(/^BONK-USD: disconnected: NATS at nats:\/\/127\.0\.0\.1:1 did not answer/),
    ]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
