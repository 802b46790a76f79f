// What a run publishes and what it keeps are the same story: `record`, `journal` and `replay` as real processes beside it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { findNatsServer } from "../nats_server.ts";
import { type Running, runPurgatory, startPurgatory } from "./killable_run.ts";

const state = mkdtempSync(join(tmpdir(), "purgatory-record-run-"));
const running: Running[] = [];
function start(args: readonly string[]): Running {
  const started = startPurgatory([...args, "--state", state]);
  running.push(started);
  return started;
}
afterEach(async () => {
  for (const each of running.reverse()) {
    each.signal("SIGKILL");
    await each.ended;
  }
  vi.unstubAllEnvs();
  rmSync(state, { recursive: true, force: true, maxRetries: 3 });
});

test("a run is followed while it writes, and its bus has kept what its journal has", async () => {
  vi.stubEnv("NATS_SERVER", findNatsServer(process.env));
  const run = start(["run", "--nats", "spawn"]);
  await run.line("Slice 1 of BONK-USD placed");
  const following = start(["journal", "--follow"]);
  await following.line('"type":"order.place"');
  await run.line("Purge success for SEI-USD");
  await following.line('"state":"cleared"');
  following.signal("SIGINT");
  expect(await following.ended).toMatchObject({ code: 0, errors: "" });
  const recorded = await runPurgatory(["record", "--state", state]);
  expect([recorded.code, recorded.errors]).toEqual([0, ""]);
  run.signal("SIGTERM");
  expect((await run.ended).code).toBe(0);

  const journal = await runPurgatory(["journal", "--state", state]);
  const kept = journal.lines.map((line) => JSON.parse(line));
  const published = recorded.lines.map((line) => JSON.parse(line));
  expect(published.length).toBeGreaterThan(5);
  expect(published).toEqual(kept.slice(0, published.length));
  const replay = startPurgatory(["replay", "--quiet", "--context"], {
    input: `${recorded.lines.join("\n")}\n`,
  });
  const { code, lines, errors } = await replay.ended;
  expect([code, errors]).toEqual([0, ""]);
  expect(lines).toEqual([`Replayed ${published.length} records of 2 symbols without a divergence.`]);
});
