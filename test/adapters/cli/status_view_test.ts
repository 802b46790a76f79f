// What `purgatory status` says of a ledger.
import { describe, expect, test } from "vitest";
import type { Grants } from "../../../adapters/cli/mod.ts";
import { type StatusInput, statusDocument, statusLines } from "../../../adapters/cli/status_view.ts";
import { bonk, invalidSize, NOW, sei, status } from "./statuses.ts";

const grants: Grants = {
  program: ["/opt/purgatory/main.ts"],
  read: ["/etc/purgatory", "/var/lib/purgatory/paper"],
  write: ["/var/lib/purgatory/paper"],
  make: [],
  network: ["the bus at nats://127.0.0.1:4222"],
  child: [],
  worker: false,
  sqlite: true,
  optional: { read: [], write: [] },
};
const stopped: StatusInput = {
  mode: "paper",
  dir: "/var/lib/purgatory/paper",
  lockedBy: null,
  lastAt: "2025-11-11T03:17:58.250Z",
  statuses: [sei, bonk],
  grants: null,
  bus: null,
  now: NOW,
};
const running: StatusInput = { ...stopped, lockedBy: 4711, grants, bus: "nats://127.0.0.1:4222" };

describe("status as text", () => {
  test("tells who writes and what they may do, shows the table, and tells each failure in full", () => {
    expect(statusLines(running, { width: 100 })).toEqual([
      "paper ledger /var/lib/purgatory/paper: running, pid 4711; last record 2025-11-11 03:17:58Z",
      "  bus:     nats://127.0.0.1:4222",
      "  read:    the program and its packages, /etc/purgatory, /var/lib/purgatory/paper",
      "  write:   /var/lib/purgatory/paper",
      "  network: any address (asked for: the bus at nats://127.0.0.1:4222)",
      "  sqlite:  yes, and Node does not hold it to these paths",
      "  child processes, workers, native addons: none",
      "",
      "SYMBOL         STATE                FAILS  NEXT TRY                        SOLD  LAST REJECTION",
      "BONK-USD       backoff.waiting          3  42min (04:00Z)                     -  INVALID_ORDER_CONF…",
      "SEI-USD        cleared                  -  -                              $5.66  -",
      "",
      "BONK-USD: 3 failures in a row, next try in 42min, at 04:00Z",
      "  code      INVALID_ORDER_CONFIGURATION, the symbol's fault",
      "  message   Invalid order size",
      '  response  {"success":false,"error_response":{"error":"INVALID_ORDER_CONFIGURATION"}}',
      expect.stringMatching(/^ {2}advice {4}\S.{20,}$/),
    ]);
  });

  test("says that a ledger is stopped", () => {
    expect(statusLines(stopped, { width: 100 }).slice(0, 2)).toEqual([
      "paper ledger /var/lib/purgatory/paper: stopped; last record 2025-11-11 03:17:58Z",
      "",
    ]);
  });

  test("of an empty ledger says so", () => {
    expect(statusLines({ ...stopped, lastAt: null, statuses: [] }, { width: 100 })).toEqual([
      "paper ledger /var/lib/purgatory/paper: stopped; empty",
      "",
      "no symbol has been purged yet",
    ]);
  });

  test("has no word on symbols without trouble", () => {
    expect(statusLines({ ...stopped, statuses: [sei] }, { width: 100 })).toHaveLength(4);
  });

  const lastLines = (one: typeof bonk, count: number) =>
    statusLines({ ...stopped, statuses: [one] }, { width: 100 }).slice(-count);

  test.each([
    [{ state: "failed", failures: 1, nextTryAt: null }, "1 failure in a row, next try in the next cycle"],
    [{ state: "backoff.due" }, "3 failures in a row, next try in 42min, at 04:00Z"],
    [
      { state: "backoff.due", nextTryAt: "2025-11-10T23:00:00.000Z" },
      "3 failures in a row, due since 11-10 23:00Z",
    ],
    [{ state: "retrying.resting" }, "3 failures in a row, now retrying.resting"],
    [{ state: "purging.placing", failures: 0 }, "no failures, now purging.placing"],
    [{ state: "suspended" }, "3 failures in a row, suspended until an operator resumes it"],
  ])("tells what comes next: %j", (more, text) => {
    expect(lastLines({ ...bonk, ...more }, 5)[0]).toBe(`BONK-USD: ${text}`);
  });

  test("tells everything that a rejection says, and that its code is not known", () => {
    const lastRejection = {
      ...invalidSize,
      classified: false,
      code: "NEVER_SEEN",
      details: "de\ntails",
      preview_failure: "PREVIEW_X",
    };
    expect(lastLines({ ...bonk, lastRejection }, 7)).toEqual([
      "BONK-USD: 3 failures in a row, next try in 42min, at 04:00Z",
      "  code      NEVER_SEEN, the symbol's fault as far as known",
      "  message   Invalid order size",
      "  details   de tails",
      "  preview   PREVIEW_X",
      `  response  ${invalidSize.raw_response}`,
      expect.stringMatching(/^ {2}advice {4}This code is in no table/),
    ]);
  });

  test("tells the error where no exchange said anything, with advice for the codes of our own", () => {
    const own = { ...bonk, lastRejection: null, lastError: "NO_FILL: no buyer in 2 slices" };
    expect(lastLines(own, 3)).toEqual([
      "BONK-USD: 3 failures in a row, next try in 42min, at 04:00Z",
      "  error     NO_FILL: no buyer in 2 slices",
      expect.stringMatching(/^ {2}advice {4}\S.{20,}$/),
    ]);
  });

  test("has no advice on an error that was imported", () => {
    const imported = { ...bonk, lastRejection: null, lastError: "Purge failed after 1 other liquidations" };
    expect(lastLines(imported, 1)).toEqual(["  error     Purge failed after 1 other liquidations"]);
  });

  test("shows no secret that an exchange repeated", () => {
    const raw_response = '{"sent":{"api_key":"abc"}}';
    const statuses = [{ ...bonk, lastRejection: { ...invalidSize, raw_response } }];
    const redact = (text: string): string => text.replaceAll("abc", "[redacted]");
    expect(statusLines({ ...stopped, statuses }, { width: 100, redact }).join("\n")).not.toContain("abc");
    expect(JSON.stringify(statusDocument({ ...stopped, statuses }, redact))).not.toContain("abc");
  });
});

describe("status as JSON", () => {
  test("is one document, in order of symbol", () => {
    expect(statusDocument(running)).toEqual({
      source: "ledger",
      at: "2025-11-11T03:18:00.000Z",
      mode: "paper",
      ledger: "/var/lib/purgatory/paper",
      running: true,
      pid: 4711,
      last_record_at: "2025-11-11T03:17:58.250Z",
      bus: "nats://127.0.0.1:4222",
      grants: {
        program: ["/opt/purgatory/main.ts"],
        read: ["/etc/purgatory", "/var/lib/purgatory/paper"],
        write: ["/var/lib/purgatory/paper"],
        network: ["the bus at nats://127.0.0.1:4222"],
        sqlite: true,
        child_processes: [],
        workers: false,
        addons: false,
      },
      symbols: [
        {
          symbol: "BONK-USD",
          state: "backoff.waiting",
          failures: 3,
          attempts: 3,
          last_rejection: invalidSize,
          last_error: bonk.lastError,
          advice: expect.stringMatching(/\S/),
          next_try_at: "2025-11-11T04:00:00.000Z",
          sold_size: "0",
          sold_value_usd: "0",
          residual_usd: null,
          updated_at: "2025-11-11T03:04:05.678Z",
        },
        {
          symbol: "SEI-USD",
          state: "cleared",
          failures: 0,
          attempts: 1,
          last_rejection: null,
          last_error: null,
          advice: null,
          next_try_at: null,
          sold_size: "36.2",
          sold_value_usd: "5.6598",
          residual_usd: "0.0312",
          updated_at: "2025-11-11T03:04:05.678Z",
        },
      ],
    });
  });

  test("of a stopped, empty ledger", () => {
    expect(statusDocument({ ...stopped, lastAt: null, statuses: [status("A-USD")] })).toMatchObject({
      running: false,
      pid: null,
      last_record_at: null,
      grants: null,
    });
  });
});
