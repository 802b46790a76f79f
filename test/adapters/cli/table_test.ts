// The table of all symbols: what it says, and that it fits.
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SymbolStatus } from "../../../actors/ports.ts";
import { renderTable } from "../../../adapters/cli/table.ts";
import { cellWidth } from "../../../adapters/cli/terminal_text.ts";
import { bonk, invalidSize, NOW, sei, status, wlfi } from "./statuses.ts";

const story = [wlfi, bonk, sei];

describe("a table", () => {
  test("of 120 cells shows when the next try is, and the rejection whole", () => {
    expect(renderTable(story, NOW, { width: 120 })).toEqual([
      "SYMBOL         STATE                FAILS  NEXT TRY                        SOLD  LAST REJECTION",
      "BONK-USD       backoff.waiting          3  42min (04:00Z)                     -  INVALID_ORDER_CONFIGURATION: Invalid o…",
      "SEI-USD        cleared                  -  -                              $5.66  -",
      "WLFI-USD       purging.resting          -  -                              $5.01  -",
    ]);
  });

  test("of 79 cells shows how long it is until then", () => {
    expect(renderTable(story, NOW, { width: 79 })).toEqual([
      "SYMBOL         STATE                FAILS  NEXT TRY          SOLD  LAST REJECT…",
      "BONK-USD       backoff.waiting          3  42min                -  INVALID_ORD…",
      "SEI-USD        cleared                  -  -                $5.66  -",
      "WLFI-USD       purging.resting          -  -                $5.01  -",
    ]);
  });

  test("of 30 cells shows what there is room for", () => {
    expect(renderTable([bonk], NOW, { width: 30 })).toEqual([
      "SYMBOL         STATE",
      "BONK-USD       backoff.waiting",
    ]);
  });

  test("without symbols says so", () => {
    expect(renderTable([], NOW, { width: 80 })).toEqual(["no symbol has been purged yet"]);
  });
});

describe("the next try", () => {
  const cell = (state: string, nextTryAt: string | null): string => {
    const [, line = ""] = renderTable([status("BONK-USD", { state, nextTryAt })], NOW, { width: 120 });
    return line.slice(43, 67).trim();
  };
  test.each([
    ["2025-11-11T03:18:00.001Z", "1s (03:18Z)"],
    ["2025-11-11T03:18:59.000Z", "59s (03:18Z)"],
    ["2025-11-11T03:18:59.500Z", "1min (03:18Z)"],
    ["2025-11-11T03:20:00.001Z", "3min (03:20Z)"],
    ["2025-11-11T04:17:59.999Z", "1h 00min (04:17Z)"],
    ["2025-11-11T07:23:00.000Z", "4h 05min (07:23Z)"],
    ["2025-11-12T02:18:00.000Z", "23h 00min (11-12 02:18Z)"],
    ["2025-11-13T05:18:00.000Z", "2d 02h (11-13 05:18Z)"],
    ["2025-11-11T03:18:00.000Z", "due (03:18Z)"],
    ["2025-11-11T03:00:00.000Z", "due (03:00Z)"],
  ])("at %s is %j: never due before it is", (at, text) => {
    expect(cell("backoff.waiting", at)).toBe(text);
  });

  test("after a failure without backoff is the next cycle", () => {
    expect(cell("failed", null)).toBe("next cycle");
  });

  test("is not told of a symbol that is not waiting", () => {
    expect(cell("cleared", null)).toBe("-");
    expect(cell("retrying.resting", "2025-11-11T04:00:00.000Z")).toBe("-");
    expect(cell("suspended", "2025-11-11T04:00:00.000Z")).toBe("-");
  });
});

describe("the last column", () => {
  const cell = (more: Partial<Omit<SymbolStatus, "symbol">>, redact?: (text: string) => string): string => {
    const options = redact === undefined ? { width: 200 } : { width: 200, redact };
    return renderTable([status("BONK-USD", more)], NOW, options)[1]?.slice(81) ?? "";
  };

  test("is the last error where there was no rejection", () => {
    expect(cell({ failures: 1, lastError: "NO_FILL: no buyer in 2 slices" })).toBe(
      "NO_FILL: no buyer in 2 slices",
    );
  });

  test("forgets an error that a success has settled", () => {
    expect(cell({ failures: 0, lastError: "NO_FILL: no buyer" })).toBe("-");
  });

  test("cannot move the cursor, break a line, turn the writing round or show a secret", () => {
    const message = "Invalid\u001b[2J\r\norder \u202esize\u2069 key=abc";
    const lastRejection = { ...invalidSize, message };
    const shown = cell({ lastRejection }, (text) => text.replace("key=abc", "key=[redacted]"));
    expect(shown).toBe("INVALID_ORDER_CONFIGURATION: Invalid [2J order size key=[redacted]");
  });
});

describe("colours", () => {
  const coloured = (state: string, failures = 0): string =>
    renderTable([status("BONK-USD", { state, failures })], NOW, { width: 80, colour: true })[1] ?? "";

  test.each([
    ["backoff.waiting", 33],
    ["failed", 31],
    ["suspended", 31],
    ["cleared", 32],
    ["purging.placing", 36],
    ["retrying.querying", 36],
  ])("tell that a symbol is %s", (state, code) => {
    expect(coloured(state)).toContain(`\u001b[${code}m${state}`);
  });

  test("are left out where nothing is to be noticed", () => {
    expect(coloured("idle")).toBe(stripVTControlCharacters(coloured("idle")));
    expect(coloured("idle", 2)).toContain("\u001b[31m    2\u001b[39m");
  });

  test("change nothing but the colours", () => {
    const plain = renderTable(story, NOW, { width: 100 });
    const painted = renderTable(story, NOW, { width: 100, colour: true });
    expect(painted.map(stripVTControlCharacters).map((line) => line.trimEnd())).toEqual(plain);
  });
});

describe("more symbols than lines", () => {
  const many = [
    ...Array.from({ length: 30 }, (_, n) => status(`A${n}-USD`, { state: n % 2 === 0 ? "idle" : "cleared" })),
    bonk,
    wlfi,
    status("ZORA-USD", { state: "suspended" }),
  ];

  test("leave out those at rest first, and say how many", () => {
    const lines = renderTable(many, NOW, { width: 40, rows: 6 });
    expect(lines.map((line) => line.split(" ")[0])).toEqual([
      "SYMBOL",
      "A1-USD",
      "BONK-USD",
      "WLFI-USD",
      "ZORA-USD",
      "…",
    ]);
    expect(lines.at(-1)).toBe("… and 29 more");
  });
});

test("no line is ever wider than the terminal, or more than there is room for", () => {
  const anyText = fc.string({ unit: "grapheme", maxLength: 60 });
  const anyStatus = fc.record({
    symbol: fc.stringMatching(/^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/),
    state: fc.constantFrom("idle", "backoff.waiting", "retrying.cancelling", "failed", "cleared"),
    failures: fc.nat(),
    message: anyText,
    sold: fc.bigInt({ min: 0n, max: 10n ** 25n }).map(String),
  });
  const size = fc.record({ width: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 12 }) });
  fc.assert(
    fc.property(
      fc.array(anyStatus, { maxLength: 15 }),
      size,
      fc.boolean(),
      (list, { width, rows }, colour) => {
        const statuses = list.map(({ symbol, message, sold, ...more }) =>
          status(symbol, {
            ...more,
            lastRejection: { ...invalidSize, message },
            soldSize: sold,
            soldValueUsd: sold,
            nextTryAt: "2025-12-24T18:00:00.000Z",
          }),
        );
        const lines = renderTable(statuses, NOW, { width, rows, colour });
        for (const line of lines) expect(cellWidth(line)).toBeLessThanOrEqual(width);
        expect(lines.length).toBeLessThanOrEqual(Math.max(rows, 1));
        expect(lines.join("")).not.toMatch(/[\r\n]/);
      },
    ),
  );
});

describe("the width of text in cells", () => {
  test.each([
    ["BONK", 4],
    ["", 0],
    ["ünï", 3],
    ["u\u0308", 1],
    ["注文", 4],
    ["주문", 4],
    ["ｆｕｌｌ", 8],
    ["⚠️", 2],
    ["✅", 2],
    ["👩‍👩‍👧", 2],
    ["🇩🇪", 2],
    ["…", 1],
    ["a\u200bb", 2],
    ["\u001b[31mred\u001b[39m", 3],
  ])("of %j is %i", (text, width) => {
    expect(cellWidth(text)).toBe(width);
  });
});
