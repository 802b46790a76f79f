// The log as it is written: real pino, a captured stream.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  createLogger,
  createTelemetry,
  type LoggerOptions,
  REDACTED,
} from "../../../adapters/telemetry/mod.ts";
import { eachOnItsOwn } from "../../../adapters/telemetry/telemetry.ts";
import { BONK, INVALID_SIZE, Story, transition } from "./story.ts";

const NOW = Date.parse("2025-11-11T22:00:00.000Z");
const clock = { now: () => NOW };

function capture(options: Partial<LoggerOptions> = {}) {
  const written: string[] = [];
  const base = { service: "purgatory", version: "0.1.0", mode: "paper" };
  const stream = { write: (text: string) => written.push(text) };
  const logger = createLogger({ stream, level: "debug", pretty: false, base, clock, ...options });
  return { ...logger, written, parsed: () => written.map((line) => JSON.parse(line)) };
}

describe("JSON lines", () => {
  test("one object a line, with level, time, base fields and the words to the letter", () => {
    const log = capture();
    const msg = "\u23f8\ufe0f  Skipping purge for BONK-USD: 100%% %s %d";
    log.log({ level: "info", msg, fields: { symbol: "BONK-USD" } });
    expect(log.written).toHaveLength(1);
    expect(log.written[0]).toMatch(/^\{.*\}\n$/);
    expect(log.written[0]).toContain("\u23f8\ufe0f  Skipping");
    expect(log.parsed()[0]).toEqual({
      level: "info",
      time: "2025-11-11T22:00:00.000Z",
      service: "purgatory",
      version: "0.1.0",
      mode: "paper",
      symbol: "BONK-USD",
      msg,
    });
  });

  test("what is below the level is not written", () => {
    const log = capture({ level: "warn" });
    for (const level of ["debug", "info", "warn", "error"] as const)
      log.log({ level, msg: level, fields: {} });
    expect(log.parsed().map(({ msg }) => msg)).toEqual(["warn", "error"]);
    const silent = capture({ level: "silent" });
    silent.log({ level: "error", msg: "x", fields: {} });
    expect(silent.written).toEqual([]);
  });

  test("a field cannot take the place of a line's own", () => {
    const log = capture();
    log.log({
      level: "info",
      msg: "true",
      fields: { msg: "forged", level: "fatal", time: 0, mode: "live", a: 1 },
    });
    expect(log.written[0]?.match(/"(msg|level|time|mode)":/g)).toHaveLength(4);
    expect(log.parsed()[0]).toMatchObject({
      msg: "true",
      level: "info",
      mode: "paper",
      msg_: "forged",
      a: 1,
    });
  });

  test("secrets in fields and words are gone", () => {
    const log = capture();
    const raw_response = '{"request":{"headers":{"authorization":"hunter2"}}}';
    log.log({
      level: "error",
      msg: "cannot reach nats://ana:hunter2@127.0.0.1:4222",
      fields: { raw_response, data: { api_key: "hunter2", deep: [{ password: "hunter2" }] } },
    });
    expect(log.written[0]).not.toContain("hunter2");
    expect(log.parsed()[0].data).toEqual({ api_key: REDACTED, deep: [{ password: REDACTED }] });
  });

  test("an error keeps its story", () => {
    const log = capture();
    log.log({ level: "error", msg: "broken", fields: { err: new RangeError("too far") } });
    expect(log.parsed()[0].err).toMatchObject({ type: "RangeError", message: "too far" });
    expect(log.parsed()[0].err.stack).toContain("logger_test.ts");
  });
});

describe("readable lines", () => {
  test("time, level and words, written before log returns", () => {
    const log = capture({ pretty: true, level: "info" });
    log.log({
      level: "warn",
      msg: "\u26a0\ufe0f Purge sell failed for BONK-USD",
      fields: { symbol: "BONK-USD" },
    });
    expect(log.written).toEqual([
      "[2025-11-11 22:00:00] WARN: \u26a0\ufe0f Purge sell failed for BONK-USD\n",
    ]);
  });

  test("at level debug the fields are shown as well, on the same line", () => {
    const log = capture({ pretty: true, level: "debug" });
    log.log({ level: "info", msg: "hello", fields: { symbol: "BONK-USD", deep: { a: 1 } } });
    expect(log.written.join("")).toBe(
      '[2025-11-11 22:00:00] INFO: hello {"symbol":"BONK-USD","deep":{"a":1}}\n',
    );
  });

  test("colour is given when it is asked for", () => {
    const log = capture({ pretty: true, colour: true });
    log.log({ level: "info", msg: "hello", fields: {} });
    expect(log.written.join("")).toContain("\u001b[");
  });
});

test("a process under --permission, without workers, logs both ways", () => {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const script = `
    import { createLogger } from "${root}adapters/telemetry/mod.ts";
    for (const pretty of [false, true]) {
      createLogger({ stream: process.stdout, level: "info", pretty, base: {}, clock: { now: () => 0 } })
        .log({ level: "info", msg: "in sight", fields: {} });
    }
    process.exit(0);
  `;
  const args = ["--permission", `--allow-fs-read=${root}*`, "--input-type=module-typescript", "-e", script];
  const run = spawnSync(process.execPath, args, { encoding: "utf8", cwd: root });
  expect(run.stderr).toBe("");
  expect(run.stdout).toBe(
    '{"level":"info","time":"1970-01-01T00:00:00.000Z","msg":"in sight"}\n[1970-01-01 00:00:00] INFO: in sight\n',
  );
});

describe("telemetry as a whole", () => {
  const whole = () => {
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) };
    const options = { stream, level: "info", pretty: false, clock, detailedErrors: true } as const;
    return { written, ...createTelemetry({ ...options, version: "0.1.0", mode: "paper" }) };
  };

  test("one observation reaches log, metrics and status", async () => {
    const { observe, metrics, tracker, written } = whole();
    observe(transition(new Story().fail()));
    expect(written.map((line) => JSON.parse(line).line)).toEqual([
      "order_reject",
      "purge_failed",
      "failure_tracked",
    ]);
    expect((await metrics.read()).body).toContain('trader_risk_rejections_total{reason="purge_failed"} 1');
    expect(tracker.symbol("BONK-USD")).toMatchObject({ state: "failed", failures: 1 });
  });

  test("the whole refusal is in the line, as fields", () => {
    const { observe, written } = whole();
    observe(transition(new Story().fail()));
    expect(JSON.parse(written[0] ?? "")).toMatchObject({
      level: "error",
      mode: "paper",
      raw_response: INVALID_SIZE.raw_response,
    });
  });

  test("a part that breaks stops neither the others nor the caller, and is told once", () => {
    const seen: string[] = [];
    const told: string[] = [];
    const broken = (): never => {
      throw new Error("boom");
    };
    const observe = eachOnItsOwn({ broken, fine: ({ kind }) => seen.push(kind) }, ({ msg }) =>
      told.push(msg),
    );
    observe({ kind: "connection", connected: true });
    observe({ kind: "connection", connected: false });
    observe({ kind: "dead_letter", symbol: BONK, reason: "x" });
    expect(seen).toEqual(["connection", "connection", "dead_letter"]);
    expect(told).toEqual([
      'Telemetry: broken could not take in "connection"; further ones are not reported',
      'Telemetry: broken could not take in "dead_letter"; further ones are not reported',
    ]);
  });

  test("a log that cannot be written to stops nobody", () => {
    const stream = {
      write: (): never => {
        throw new Error("EPIPE");
      },
    };
    const options = { stream, level: "info", pretty: false, clock, detailedErrors: true } as const;
    const { observe, tracker } = createTelemetry({ ...options, version: "0.1.0", mode: "paper" });
    expect(() => observe(transition(new Story().fail()))).not.toThrow();
    expect(tracker.summary().failures).toBe(1);
  });
});
