// The bus goes away in the middle of a run and comes back: nothing is placed meanwhile, and work goes on without a restart.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { virtualClock } from "../../adapters/clock/mod.ts";
import { openPaperExchange, readPaperScript } from "../../adapters/exchange/mod.ts";
import { shippedConfigDir } from "../../config/mod.ts";
import { startNatsServer } from "../nats_server.ts";
import { startPurgatory } from "./killable_run.ts";

const state = mkdtempSync(join(tmpdir(), "purgatory-outage-"));
afterAll(() => rmSync(state, { recursive: true, force: true }));

test("a run outlives its nats-server", { timeout: 120_000 }, async () => {
  const nats = await startNatsServer();
  const run = startPurgatory([
    "run",
    "--nats",
    nats.url,
    "--speed",
    "120",
    "--http-port",
    "0",
    "--state",
    state,
  ]);
  const [, url] = /HTTP on (\S+):\s/.exec(await run.line("/healthz")) ?? [];
  await run.line("Slice 1 of BONK-USD placed");
  await nats.kill("SIGKILL");
  await run.line("Bus connection lost");
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    expect.objectContaining({ reasons: expect.arrayContaining(["the bus is not connected"]) }),
  ]);
  await run.line("held back: the bus is not connected");
  const before = run.lines.length;
  await nats.restart();
  await expect.poll(() => run.lines.slice(before).join("\n"), { timeout: 30_000 }).toContain("Bus connected");
  await run.line("Purge success for WLFI-USD");
  await run.line("Tracked purge failure: count=1");
  run.signal("SIGTERM");
  expect((await run.ended).code).toBe(0);
  await nats.stop();

  const file = join(state, "paper", "exchange.sqlite");
  const script = readPaperScript(join(shippedConfigDir, "paper.yaml"));
  const exchange = openPaperExchange({ file, script, clock: virtualClock(0) });
  const ids = exchange.orders().map(({ client_order_id }) => client_order_id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(exchange.balances()).toContainEqual(expect.objectContaining({ currency: "WLFI", total: "0" }));
  await exchange.close();
});
