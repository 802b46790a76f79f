// What `purgatory status` shows of a supervisor on the bus.
import { describe, expect, test } from "vitest";
import { supervisorDocument, supervisorLines } from "../../../adapters/cli/supervisor_view.ts";
import { statusLines } from "../../../adapters/cli/status_view.ts";
import { bonk, NOW, sei } from "./statuses.ts";
import { reply } from "./supervisor_reply.ts";

const URL = "nats://127.0.0.1:4222";
const input = { reply: reply(), url: URL, grants: null };
const line = (more: Parameters<typeof reply>[0], begins: string): string | undefined =>
  supervisorLines({ ...input, reply: reply(more) }, { width: 100 }).find((each) =>
    each.startsWith(`  ${begins}`),
  );
const open = {
  type: "venue.state",
  at: "2025-11-11T03:10:00.000Z",
  state: "open",
  cause: "venue",
  reason: "EXCHANGE_MAINTENANCE on 5 symbols",
  until: "2025-11-11T03:25:00.000Z",
} as const;

describe("a supervisor as text", () => {
  test("tells who answers, over which bus, how the venue is, the last cycle, then what a ledger tells", () => {
    const lines = supervisorLines(input, { width: 100 });
    expect(lines.slice(0, 5)).toEqual([
      "paper supervisor: running, purgatory 0.1.0, pid 4711 on desk-3, since 2025-11-11 01:00:00Z",
      "  bus:     nats://127.0.0.1:4222, nats-server 2.10.27, connected",
      "  venue:   nothing heard of it",
      "  cycle:   12 at 03:17Z: 10 positions, 2 candidates, 1 started, 1 skipped",
      "",
    ]);
    const ledger = {
      mode: "paper",
      dir: "/d",
      lockedBy: null,
      lastAt: null,
      grants: null,
      bus: null,
    } as const;
    const same = statusLines({ ...ledger, statuses: [bonk, sei], now: NOW }, { width: 100 });
    expect(lines.slice(4)).toEqual(same.slice(1));
  });

  test.each([
    [open, "no orders until 03:25Z (venue): EXCHANGE_MAINTENANCE on 5 symbols"],
    [{ ...open, state: "half_open", until: null }, "one order as a probe (venue): EXCHANGE_MAINTENANCE on 5"],
    [{ ...open, state: "closed", cause: null, reason: null, until: null }, "open for orders"],
  ] as const)("tells of the venue: %#", (venue, said) => {
    expect(line({ venue }, "venue:")).toContain(said);
  });

  test("tells why a cycle sold nothing", () => {
    const last_cycle = { ...reply().last_cycle, held_back: "the bus is away" };
    expect(line({ last_cycle: { ...ZERO, ...last_cycle } }, "cycle:")).toBe(
      "  cycle:   12 at 03:17Z: held back: the bus is away",
    );
    expect(line({ last_cycle: null }, "cycle:")).toBe("  cycle:   none yet");
  });

  test("tells that the supervisor's bus is away, and that it is another server of the cluster", () => {
    const connection = { connected: false, server: "10.0.0.2:4222", server_version: null };
    expect(line({ connection }, "bus:")).toBe(
      "  bus:     nats://127.0.0.1:4222 (the supervisor: 10.0.0.2:4222), not connected",
    );
  });

  test("lets nobody write control characters to the terminal, and shows no secret", () => {
    const venue = { ...open, reason: "halt\u001b[2J api_key=abc" };
    const redact = (text: string): string => text.replaceAll("abc", "[redacted]");
    const lines = supervisorLines(
      { ...input, reply: reply({ venue, host: "h\u001b]0;x" }) },
      { width: 100, redact },
    );
    expect(lines.join("\n")).not.toMatch(/(?!\n)\p{Cc}|abc/u);
  });
});

const ZERO = {
  cycle: 0,
  at: "2025-11-11T03:17:50.000Z",
  duration_ms: 0,
  positions: 0,
  candidates: 0,
  started: 0,
  skipped: 0,
  held_back: null,
};

test("a supervisor as JSON has what a ledger's document has, and what only a supervisor knows", () => {
  const grants = {
    program: [],
    read: [],
    write: [],
    make: [],
    network: [],
    child: ["nats-server"],
    worker: false,
    sqlite: true,
    optional: { read: [], write: [] },
  };
  expect(supervisorDocument({ ...input, reply: reply({ venue: open }), grants }, (text) => text)).toEqual({
    source: "supervisor",
    at: "2025-11-11T03:18:00.000Z",
    mode: "paper",
    ledger_id: "ledger-1",
    running: true,
    pid: 4711,
    host: "desk-3",
    version: "0.1.0",
    started_at: "2025-11-11T01:00:00.000Z",
    bus: URL,
    connection: { connected: true, server: "127.0.0.1:4222", server_version: "2.10.27" },
    venue: open,
    last_cycle: reply().last_cycle,
    grants: expect.objectContaining({ child_processes: ["nats-server"] }),
    symbols: [
      expect.objectContaining({ symbol: "BONK-USD", failures: 3, advice: expect.any(String) }),
      expect.objectContaining({ symbol: "SEI-USD", state: "cleared", advice: null }),
    ],
  });
});
