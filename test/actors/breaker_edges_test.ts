// The venue breaker where two things come together: another order than the probe, another code, the end of the window.
import { describe, expect, test } from "vitest";
import {
  admits,
  type BreakerEvent,
  type BreakerSettings,
  type BreakerState,
  closedBreaker,
  stepBreaker,
} from "../../actors/breaker.ts";
import { orderRequest, symbolOf } from "./fake_exchange.ts";

const settings: BreakerSettings = {
  venueCooldownMs: 1_000,
  venueCooldownMaxMs: 3_000,
  accountCooldownMs: 60_000,
  symbolsForHalt: 3,
  haltWindowMs: 10_000,
};
const probe = orderRequest("BONK-USD", 1).client_order_id;
const other = orderRequest("SEI-USD", 2).client_order_id;
const probing: readonly BreakerEvent[] = [
  { type: "failed", at: 0, cause: "venue", reason: "503" },
  { type: "cooled", at: 1_000 },
  { type: "admitted", at: 1_000, order: probe },
];

function run(...events: readonly BreakerEvent[]): BreakerState {
  return events.reduce((state, event) => stepBreaker(state, event, settings), closedBreaker(0));
}

function halted(at: number, symbol: string, code = "TRADING_DISABLED"): BreakerEvent {
  return { type: "halted", at, code, symbol: symbolOf(symbol), order: probe };
}

describe("while a probe is under way, an order of before that", () => {
  test("and was held back leaves the probe the only one", () => {
    const state = run(...probing, { type: "withdrawn", at: 1_001, order: other });
    expect([admits(state, probe), admits(state, other)]).toEqual([true, false]);
  });

  test("and went unanswered opens nothing", () => {
    expect(run(...probing, { type: "unanswered", at: 1_001, order: other }).state).toBe("half_open");
  });

  test("and was admitted does not take the probe's place", () => {
    const state = run(...probing, { type: "admitted", at: 1_001, order: other });
    expect(state).toMatchObject({ state: "half_open", probe });
  });
});

test("a closed breaker forgets no halt over an order that was held back", () => {
  const before = run(halted(0, "A-USD"), halted(1, "B-USD"));
  const after = stepBreaker(before, { type: "withdrawn", at: 2, order: probe }, settings);
  expect(after).toBe(before);
});

describe("halts", () => {
  test("of one symbol under two codes count for both", () => {
    const codes = [halted(0, "A-USD"), halted(1, "A-USD", "ORDER_ENTRY_DISABLED")];
    expect(run(...codes, halted(2, "B-USD"), halted(3, "C-USD")).state).toBe("open");
  });

  test("as far apart as the window is long do not add up", () => {
    expect(run(halted(0, "A-USD"), halted(1, "B-USD"), halted(10_000, "C-USD")).state).toBe("closed");
    expect(run(halted(0, "A-USD"), halted(1, "B-USD"), halted(9_999, "C-USD")).state).toBe("open");
  });
});
