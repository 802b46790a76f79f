// The venue breaker: every transition of the state machine, and the time it keeps.
import { describe, expect, test } from "vitest";
import {
  admits,
  type BreakerEvent,
  type BreakerSettings,
  type BreakerState,
  closedBreaker,
  startBreaker,
  stepBreaker,
  venueState,
} from "../../actors/breaker.ts";
import { virtualClock } from "../../adapters/clock/mod.ts";
import type { VenueState } from "../../machines/mod.ts";
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

function run(...events: BreakerEvent[]): BreakerState {
  return events.reduce((state, event) => stepBreaker(state, event, settings), closedBreaker(0));
}
const venueFails = (at: number): BreakerEvent => ({ type: "failed", at, cause: "venue", reason: "503" });
const accountFails = (at: number): BreakerEvent => ({ type: "failed", at, cause: "account", reason: "401" });
const cooled = (at: number): BreakerEvent => ({ type: "cooled", at });
const admitted = (at: number, order = probe): BreakerEvent => ({ type: "admitted", at, order });
const answered = (at: number, order = probe): BreakerEvent => ({ type: "answered", at, order });
const unanswered = (at: number, order = probe): BreakerEvent => ({ type: "unanswered", at, order });
const withdrawn = (at: number, order = probe): BreakerEvent => ({ type: "withdrawn", at, order });
const halted = (at: number, symbol: string, code = "TRADING_DISABLED", order = probe): BreakerEvent => ({
  type: "halted",
  at,
  code,
  symbol: symbolOf(symbol),
  order,
});

describe("closed", () => {
  test("lets every order through", () => {
    expect(admits(closedBreaker(0), probe)).toBe(true);
    expect(admits(run(admitted(1), admitted(2, other)), other)).toBe(true);
  });

  test("opens on the venue's fault, for the first cooldown", () => {
    expect(run(venueFails(5))).toMatchObject({
      state: "open",
      until: 1_005,
      fault: { cause: "venue", reason: "503" },
    });
  });

  test("opens on the account's fault, for its own cooldown", () => {
    expect(run(accountFails(5))).toMatchObject({ state: "open", until: 60_005, fault: { cause: "account" } });
  });

  test("opens when enough symbols are halted with the same code within the window", () => {
    expect(run(halted(0, "A-USD"), halted(1, "B-USD"))).toMatchObject({ state: "closed" });
    expect(run(halted(0, "A-USD"), halted(1, "B-USD"), halted(9_999, "C-USD"))).toMatchObject({
      state: "open",
      fault: {
        cause: "venue",
        haltCode: "TRADING_DISABLED",
        reason: "TRADING_DISABLED on 3 symbols within 10000 ms",
      },
    });
  });

  test.each([
    [
      "one symbol again and again",
      [halted(0, "A-USD"), halted(1, "A-USD"), halted(2, "A-USD"), halted(3, "B-USD")],
    ],
    [
      "halts as far apart as the window is long",
      [halted(0, "A-USD"), halted(1, "B-USD"), halted(10_000, "C-USD")],
    ],
    ["different codes", [halted(0, "A-USD"), halted(1, "B-USD"), halted(2, "C-USD", "ORDER_ENTRY_DISABLED")]],
    [
      "success, a missing answer, a held back order or the time",
      [answered(1), unanswered(2), withdrawn(3), cooled(4)],
    ],
  ])("does not open on %s", (_, events) => {
    expect(run(...events).state).toBe("closed");
  });

  test("counts one symbol's halts under two codes for both", () => {
    const codes = [halted(0, "A-USD"), halted(1, "A-USD", "ORDER_ENTRY_DISABLED")];
    expect(run(...codes, halted(2, "B-USD"), halted(3, "C-USD")).state).toBe("open");
  });

  test("forgets no halt over an order that was held back", () => {
    const before = run(halted(0, "A-USD"), halted(1, "B-USD"));
    expect(stepBreaker(before, withdrawn(2), settings)).toBe(before);
  });

  test("remembers a symbol's last halt, not its first", () => {
    const events = [
      halted(0, "A-USD"),
      halted(8_000, "A-USD"),
      halted(12_000, "B-USD"),
      halted(13_000, "C-USD"),
    ];
    expect(run(...events).state).toBe("open");
  });

  test("remembers no more halts than the window holds", () => {
    const events = Array.from({ length: 500 }, (_, n) => halted(n * 6_000, `S${n}-USD`));
    const state = run(...events);
    expect(state.state === "closed" && state.halts.length).toBe(2);
  });
});

describe("open", () => {
  test("lets no order through", () => {
    expect(admits(run(venueFails(0)), probe)).toBe(false);
  });

  test("stays as long as it was opened for, whatever else fails or succeeds meanwhile", () => {
    const opened = run(venueFails(0));
    for (const event of [
      venueFails(500),
      halted(501, "A-USD"),
      answered(502),
      unanswered(503),
      cooled(999),
    ]) {
      expect(stepBreaker(opened, event, settings)).toBe(opened);
    }
  });

  test("changes to the account's fault, which outweighs the venue's", () => {
    const opened = run(venueFails(0), accountFails(500));
    expect(opened).toMatchObject({ state: "open", until: 60_500, fault: { cause: "account" } });
    expect(stepBreaker(opened, venueFails(600), settings)).toBe(opened);
    expect(stepBreaker(opened, accountFails(600), settings)).toBe(opened);
  });

  test("is half open once it has cooled", () => {
    expect(run(venueFails(0), cooled(1_000))).toMatchObject({ state: "half_open", probe: null });
  });
});

describe("half open", () => {
  const halfOpen = [venueFails(0), cooled(1_000)];

  test("lets one order through, and that one again, and no other", () => {
    expect(admits(run(...halfOpen), other)).toBe(true);
    const probing = run(...halfOpen, admitted(1_001), admitted(1_002, other));
    expect(admits(probing, probe)).toBe(true);
    expect(admits(probing, other)).toBe(false);
  });

  test("closes when the probe is answered, and only then", () => {
    expect(run(...halfOpen, admitted(1_001), answered(1_002)).state).toBe("closed");
    expect(run(...halfOpen, admitted(1_001), answered(1_002, other)).state).toBe("half_open");
    expect(run(...halfOpen, answered(1_002)).state).toBe("half_open");
  });

  test("opens again for twice as long, up to the maximum", () => {
    const again = (at: number, until: number): BreakerEvent[] => [venueFails(at), cooled(until)];
    expect(run(...halfOpen, venueFails(2_000))).toMatchObject({ state: "open", until: 4_000 });
    expect(run(...halfOpen, ...again(2_000, 4_000), venueFails(5_000))).toMatchObject({ until: 8_000 });
    expect(run(...halfOpen, ...again(2_000, 4_000), ...again(5_000, 8_000), venueFails(9_000))).toMatchObject(
      {
        until: 12_000,
      },
    );
  });

  test("starts from the first cooldown again after it was closed", () => {
    const closed = [...halfOpen, venueFails(2_000), cooled(4_000), admitted(4_001), answered(4_002)];
    expect(run(...closed, venueFails(5_000))).toMatchObject({ until: 6_000 });
  });

  test("opens again when the probe gets no answer", () => {
    expect(run(...halfOpen, admitted(1_001), unanswered(2_000))).toMatchObject({
      state: "open",
      until: 4_000,
      fault: { cause: "venue", reason: "no answer to the probe; 503" },
    });
    expect(run(...halfOpen, admitted(1_001), unanswered(2_000, other)).state).toBe("half_open");
    const twice = run(
      ...halfOpen,
      admitted(1_001),
      unanswered(2_000),
      cooled(4_000),
      admitted(4_001),
      unanswered(5_000),
    );
    expect(twice).toMatchObject({ until: 8_000, fault: { reason: "no answer to the probe; 503" } });
  });

  test("takes the next order as probe when the first was held back before it was sent", () => {
    const freed = run(...halfOpen, admitted(1_001), withdrawn(1_002));
    expect(freed).toMatchObject({ state: "half_open", probe: null });
    expect(admits(freed, other)).toBe(true);
  });

  test("stays with its probe when another order was held back", () => {
    const probing = run(...halfOpen, admitted(1_001), withdrawn(1_002, other));
    expect([admits(probing, probe), admits(probing, other)]).toEqual([true, false]);
  });

  test("opens for the account's cooldown, which never doubles, when the account is at fault", () => {
    expect(run(...halfOpen, accountFails(2_000))).toMatchObject({
      until: 62_000,
      fault: { cause: "account" },
    });
    const account = [accountFails(0), cooled(60_000), admitted(60_001)];
    expect(run(...account, accountFails(60_002))).toMatchObject({ until: 120_002 });
    expect(run(...account, unanswered(60_002))).toMatchObject({
      until: 120_002,
      fault: { cause: "account" },
    });
    expect(run(...account, venueFails(60_002))).toMatchObject({ until: 61_002, fault: { cause: "venue" } });
  });

  test("opened by halts, opens again when the probe is halted with that code", () => {
    const halts = [
      halted(0, "A-USD"),
      halted(1, "B-USD"),
      halted(2, "C-USD"),
      cooled(1_002),
      admitted(1_003),
    ];
    expect(run(...halts, halted(1_004, "D-USD"))).toMatchObject({
      state: "open",
      until: 3_004,
      fault: { reason: "TRADING_DISABLED again on D-USD", haltCode: "TRADING_DISABLED" },
    });
    expect(run(...halts, halted(1_004, "D-USD", "TRADING_DISABLED", other)).state).toBe("half_open");
  });

  test("closes when the probe's own product is halted, which is remembered", () => {
    const closed = run(...halfOpen, admitted(1_001), halted(1_002, "A-USD"));
    expect(closed).toMatchObject({ state: "closed", halts: [{ symbol: "A-USD" }] });
  });
});

describe("what is published", () => {
  test("names cause, reason and end while open, and no end while half open", () => {
    expect(venueState(run(venueFails(0)))).toEqual({
      type: "venue.state",
      at: "1970-01-01T00:00:00.000Z",
      state: "open",
      cause: "venue",
      reason: "503",
      until: "1970-01-01T00:00:01.000Z",
    });
    const at = "1970-01-01T00:00:01.000Z";
    expect(venueState(run(venueFails(0), cooled(1_000)))).toMatchObject({
      at,
      state: "half_open",
      until: null,
    });
    expect(venueState(closedBreaker(0))).toMatchObject({
      state: "closed",
      cause: null,
      reason: null,
      until: null,
    });
  });
});

describe("with a clock", () => {
  function start() {
    const clock = virtualClock(0);
    const changes: VenueState[] = [];
    const breaker = startBreaker({ clock, settings, onChange: (venue) => changes.push(venue) });
    return { clock, breaker, states: () => changes.map(({ state, cause }) => `${state} ${cause}`), changes };
  }

  test("half opens by itself, and says so once", () => {
    const { clock, breaker, states } = start();
    breaker.tell({ type: "failed", cause: "venue", reason: "503" });
    clock.advanceSync(999);
    expect(breaker.state.state).toBe("open");
    clock.advanceSync(1);
    breaker.tell({ type: "admitted", order: probe });
    expect(states()).toEqual(["open venue", "half_open venue"]);
  });

  test("waits for the account's cooldown when that fault came later, even in the same millisecond", () => {
    const { clock, breaker, states } = start();
    breaker.tell({ type: "failed", cause: "venue", reason: "503" });
    breaker.tell({ type: "failed", cause: "account", reason: "401" });
    clock.advanceSync(59_999);
    expect(states()).toEqual(["open venue", "open account"]);
    clock.advanceSync(1);
    expect(states()).toEqual(["open venue", "open account", "half_open account"]);
  });

  test("keeps no timer once it is stopped, and hears nothing more", () => {
    const { clock, breaker, changes } = start();
    breaker.tell({ type: "failed", cause: "venue", reason: "503" });
    breaker.stop();
    expect(clock.nextAt()).toBeNull();
    breaker.tell({ type: "failed", cause: "account", reason: "401" });
    expect(changes).toHaveLength(1);
  });
});
