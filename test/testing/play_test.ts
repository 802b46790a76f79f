// The test kit: what a sequence makes happen, step by step, on the real program.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  crash,
  filled,
  operator,
  partlyFilled,
  play,
  rejected,
  ScenarioError,
  timedOut,
  unfilled,
  until,
  venueDown,
  wait,
} from "../../testing/mod.ts";

const HOUR = 3_600_000;

describe("an order that is", () => {
  test("rejected fails its attempt, and the third failure rests the symbol", async () => {
    const run = await play([rejected("INVALID_SIZE_PRECISION", { times: 3, message: "too precise" })]);
    expect(run.visited.filter((state) => !/^(purging|retrying)/.test(state))).toEqual([
      ...["failed", "failed", "failed", "backoff.waiting"],
    ]);
    expect(run.failures).toBe(3);
    expect(run.context?.last_failure?.rejection).toMatchObject({
      code: "INVALID_SIZE_PRECISION",
      message: "too precise",
    });
  });

  test("unfilled rests for its time and is cancelled", async () => {
    const run = await play([unfilled()]);
    expect(run.orders.map(({ status }) => status)).toEqual(["cancelled"]);
    const { replace_ms } = run.context?.attempt?.policy ?? { replace_ms: 0 };
    const [{ ms: restedMs } = { ms: 0 }] = run.staysIn("purging.resting");
    expect(restedMs).toBeGreaterThan(replace_ms - 1_000);
    expect(restedMs).toBeLessThanOrEqual(replace_ms);
  });

  test("partly filled leaves its remainder, which is sold by the next", async () => {
    const run = await play([partlyFilled(0.4), until("cleared")]);
    const [first, second] = run.orders;
    expect(first).toMatchObject({ status: "cancelled", filled_size: "187617" });
    expect(second).toMatchObject({ status: "filled" });
  });

  test("timed out is on the exchange or not, and is sold once in either case", async () => {
    for (const arrived of [true, false]) {
      const run = await play([timedOut({ arrived }), until("cleared")]);
      const sold = run.orders.reduce((sum, order) => sum + Number(order.filled_size), 0);
      expect(sold).toBe(889_587);
      expect(run.orders).toHaveLength(2);
    }
  });

  test("listed after another meets its fate after it, whatever the steps between", async () => {
    const run = await play([rejected("A_FIRST"), wait("10 s"), crash(), rejected("A_SECOND")]);
    const codes = run.records.flatMap(({ event }) =>
      event.type === "order.rejected" ? [event.rejection.code] : [],
    );
    expect(codes).toEqual(["A_FIRST", "A_SECOND"]);
  });

  test("not listed any more is filled", async () => {
    const run = await play([until("cleared")]);
    expect(run.state).toBe("cleared");
    expect(run.orders.map(({ status }) => status)).toEqual(["filled", "filled"]);
  });
});

describe("time", () => {
  test("passes only where the sequence says so, and brings about what is due", async () => {
    const thrice = rejected("INVALID_SIZE_PRECISION", { times: 3 });
    const before = await play([thrice, wait("59 min")]);
    expect(before.staysIn("backoff.waiting")).toEqual([{ ms: 59 * 60_000, isOver: false }]);
    expect(before.sentIn("backoff.waiting")).toEqual([]);
    const after = await play([thrice, wait("1 h 2 min")]);
    expect(after.staysIn("backoff.waiting")).toEqual([{ ms: HOUR, isOver: true }]);
    expect(after.state).toBe("cleared");
  });

  test("stands still at until, in the very state", async () => {
    const run = await play([filled(), until("purging.placing"), operator("pause")]);
    const [{ ms } = { ms: -1 }] = run.staysIn("purging.placing");
    expect(ms).toBeLessThan(1_000);
    expect(run.records.some(({ event }) => event.type === "operator.pause")).toBe(true);
  });
});

describe("a crash", () => {
  test("loses no failure, and its order keeps its name", async () => {
    const run = await play([
      ...[rejected(), crash(), rejected(), crash(), rejected(), crash()],
      ...[wait("59 min"), crash(), wait("2 min"), until("cleared")],
    ]);
    expect(run.staysIn("backoff.waiting")).toEqual([{ ms: HOUR, isOver: true }]);
    expect(run.state).toBe("cleared");
    expect(run.trouble).toEqual([]);
  });

  test("while an order is on its way does not place it twice", async () => {
    const calm = await play([filled(), until("cleared")]);
    const crashed = await play([filled(), until("purging.placing"), crash(), crash(), until("cleared")]);
    const ids = (run: typeof calm) => run.orders.map(({ client_order_id }) => client_order_id);
    expect(ids(crashed)).toEqual(ids(calm));
  });

  test("is no farewell: nothing of the old life goes on beside the new one", async () => {
    const crashes = Array.from({ length: 8 }, () => crash());
    const run = await play([unfilled(), until("purging.resting"), ...crashes, until("cleared")]);
    expect(run.trouble).toEqual([]);
    expect(run.records.map(({ seq }) => seq)).toEqual(run.records.map((_, index) => index + 1));
    expect(run.records.filter(({ event }) => event.type === "purge.requested")).toHaveLength(1);
  });
});

describe("the venue", () => {
  test.each(["down", "maintenance", "rate_limited"] as const)(
    "%s is not the symbol's fault, and nothing is on offer meanwhile",
    async (how) => {
      const run = await play([venueDown("20 min", { how }), wait("19 min")]);
      expect(run.failures).toBe(0);
      expect(run.orders).toEqual([]);
      const later = await play([venueDown("20 min", { how }), wait("90 min")]);
      expect(later.state).toBe("cleared");
    },
  );
});

describe("the same sequence", () => {
  test("is the same run to the last byte, also beside another", async () => {
    const sequence = [rejected("A_CODE", { times: 2 }), unfilled(), crash(), wait("1 h")];
    const [one, other] = await Promise.all([play(sequence), play(sequence)]);
    expect(one.toJsonLines()).toBe(other.toJsonLines());
    expect(one.records.length).toBeGreaterThan(8);
  });
});

describe("options", () => {
  test("put another policy, symbol, balance or beginning in place of the default", async () => {
    const run = await play([until("cleared")], {
      ...{ symbol: "SEI-USD", balance: "36.2", price: "0.1563", startsAt: "2026-01-01T00:00:00.000Z" },
      product: { baseIncrement: "0.1", priceIncrement: "0.0001", baseMinSize: "0.1" },
      policy: { slice_usd: "100" },
    });
    expect(run.symbol).toBe("SEI-USD");
    expect(run.records[0]?.at).toMatch(/^2026-01-01T00:00:00/);
    expect(run.orders.map(({ base_size }) => base_size)).toEqual(["36.2"]);
  });
});

describe("a sequence that cannot be is refused", () => {
  const refusal = (steps: Parameters<typeof play>[0], options?: Parameters<typeof play>[1]) =>
    play(steps, options).then(
      () => "it was played",
      (error: unknown) =>
        error instanceof ScenarioError ? error.message : `no ScenarioError: ${String(error)}`,
    );

  test("where an order would have to come after everything is sold", async () => {
    const end = [filled({ times: 2 }), until("cleared"), rejected()];
    expect(await refusal(end)).toMatch(
      /^at the end of the sequence: order 3 of the 3 listed did not meet its fate within 1 d: BONK-USD is in cleared since/,
    );
  });

  test("where a state is not reached, or passed in no time", async () => {
    expect(await refusal([filled({ times: 2 }), until("failed")])).toMatch(
      /^step 2, until\("failed"\): BONK-USD did not come to rest there within 1 d: BONK-USD is in cleared since/,
    );
  });

  test("where an operator is refused", async () => {
    expect(await refusal([until("cleared"), operator("abort")])).toMatch(
      /^step 2, operator\("abort"\): .*abort/,
    );
  });

  test.each([
    [{ symbol: "bonk" }, /^symbol: bonk is not a product/],
    [{ startsAt: "yesterday" }, /^startsAt: yesterday is not a time/],
    [{ configDir: "/nowhere" }, /^configDir: /],
  ])("where an option is not valid: %j", async (options, message) => {
    expect(await refusal([], options)).toMatch(message);
  });

  test("where a price is none", async () => {
    await expect(play([], { price: "cheap" })).rejects.toThrow(/products\.BONK-USD\.price/);
  });

  test("where a step has no sense by itself", () => {
    expect(() => rejected("A_CODE", { times: 0 })).toThrow(/times is 0; expected a whole number/);
    expect(() => partlyFilled(1)).toThrow(/expected a fraction above 0 and below 1/);
    expect(() => wait("a while")).toThrow(/"a while" is not a duration/);
    expect(() => venueDown(0)).toThrow(/expected a duration above 0/);
  });
});

describe("with fake timers", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("it says so, instead of hanging", async () => {
    vi.useFakeTimers({ toFake: ["setImmediate"] });
    await expect(play([rejected()])).rejects.toThrow(/vi\.useRealTimers\(\)/);
  });
});

const kit = resolve(import.meta.dirname, "../../testing/mod.ts");

test("a run leaves no timer and no handle behind, the process ends by itself, and nobody needs Vitest", () => {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (/vitest/.test(specifier)) throw new Error("asked for " + specifier);
        return next(specifier, context);
      },
    });
    const { play, rejected, crash, unfilled, until } = await import(${JSON.stringify(kit)});
    const before = process.getActiveResourcesInfo();
    await play([rejected(), crash(), unfilled(), until("retrying.resting")]);
    const more = process.getActiveResourcesInfo().filter((name) => !before.includes(name));
    console.log(more.length);
  `;
  const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect({ stdout, status }).toEqual({ stdout: "0\n", status: 0 });
});
