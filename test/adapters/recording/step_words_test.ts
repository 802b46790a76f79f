// Steps for people: rows and pictures.
import { expect, test } from "vitest";
import {
  commandWords,
  eventWords,
  mermaidHead,
  MermaidSequence,
  STEP_HEAD,
  stepRow,
} from "../../../adapters/recording/mod.ts";
import { NOBODY, Scenario } from "../../machines/scenario.ts";
import { transitions } from "./recording_kit.ts";

const scenario = new Scenario();

test("every event has words that say what matters of it", () => {
  const events = [
    scenario.request(),
    scenario.held(),
    scenario.deadline("retry#3"),
    scenario.quote(),
    scenario.noMarket(),
    scenario.accepted(NOBODY),
    scenario.rejected(undefined, NOBODY),
    scenario.update(),
    scenario.unknown("not_found", NOBODY),
    scenario.operator("ban"),
    scenario.poisoned(),
    scenario.imported(),
  ];
  expect(events.map(eventWords)).toEqual([
    "purge.requested excluded, 889587.0 worth $9.48",
    "position.held 889587.0 worth $9.48",
    "deadline.reached retry#3",
    "market.snapshot 0.00001066 / 0.00001068",
    "market.unavailable UNAVAILABLE",
    "order.accepted X-1",
    "order.rejected INVALID_ORDER_CONFIGURATION",
    "order.update open, filled 0",
    "order.unknown not_found",
    "operator.ban by ada: tests",
    "symbol.poisoned crashed three times on one event",
    "failure.imported 4 failures",
  ]);
});

test("every command has words that say what matters of it", () => {
  const symbol = scenario.run.context.symbol;
  const order = { symbol, client_order_id: NOBODY, order_id: null } as const;
  expect(commandWords({ type: "market.refresh", symbol, request_id: "1-1" })).toBe("market.refresh 1-1");
  expect(commandWords({ type: "order.cancel", ...order })).toBe(`order.cancel ${NOBODY}`);
  expect(commandWords({ type: "order.query", ...order, order_id: "X-1" })).toBe("order.query X-1");
});

test("foreign words stay on one line, and are cut", () => {
  const event = { ...scenario.poisoned(), reason: `a\n\u001b[31mb\u202e${"x".repeat(300)}` };
  expect(eventWords(event)).toMatch(/^symbol\.poisoned a \[31mb x{20,120}…$/);
});

test("a row has time, state, event, the way there and what was asked for", () => {
  const rows = transitions.slice(1, 3).map(stepRow);
  expect(rows).toEqual([
    "       2  2025-11-11 22:00:00.000  BONK-USD     purging.placing       market.snapshot 0.00001066 / 0.00001068           purging.deciding ⇒ order.place 468603 at 0.00001067 post_only",
    "       3  2025-11-11 22:00:00.000  BONK-USD     failed                order.rejected INVALID_ORDER_CONFIGURATION        purging.deciding → purging.done",
  ]);
  expect(STEP_HEAD.indexOf("EVENT")).toBe(rows[0]?.indexOf("market.snapshot"));
});

test("a picture has who says what to whom, each of them announced once", () => {
  const picture = new MermaidSequence();
  const [, , ...second] = transitions.slice(0, 2).flatMap((step) => picture.lines(step));
  expect(mermaidHead).toBe("sequenceDiagram");
  expect(second).toEqual([
    "  p1->>p2: purge.requested excluded, 889587.0 worth $9.48",
    "  Note over p2: purging.quoting",
    "  participant p3 as gateway",
    "  p2->>p3: market.refresh 1-1",
    "  p3->>p2: market.snapshot 0.00001066 / 0.00001068",
    "  Note over p2: purging.deciding, purging.placing",
    "  p2->>p3: order.place 468603 at 0.00001067 post_only",
  ]);
});

test("a picture has all who speak, and no word that would end it", () => {
  const step = {
    seq: 1,
    at: scenario.at,
    symbol: scenario.run.context.symbol,
    path: [],
    state: "idle",
    commands: [],
  };
  const picture = new MermaidSequence();
  const events = [
    scenario.deadline("retry#3"),
    { ...scenario.operator("pause"), reason: "a; end\n%%{init}" },
    scenario.poisoned(),
    scenario.imported(),
    scenario.held(),
    scenario.quote(),
  ];
  const drawn = events.flatMap((event) => picture.lines({ ...step, event }));
  const speakers = drawn.flatMap((line) => /participant p\d as (.*)/.exec(line)?.[1] ?? []);
  expect(speakers).toEqual(["clock", "BONK-USD", "operator", "supervisor", "import", "cycle", "gateway"]);
  expect(drawn.join("\n")).toContain("operator.pause by ada: a#59; end #37;#37;#123;init#125;");
  expect(drawn.join("\n")).toContain("deadline.reached retry#35;3");
  expect(drawn).toContain("  Note over p2: idle, as before");
});
