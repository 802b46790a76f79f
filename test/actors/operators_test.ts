// What operators may do: the wish becomes an event, its durable step the answer, and every request leaves a trace.
import { describe, expect, test } from "vitest";
import { createOperators, type StartNow } from "../../actors/operators.ts";
import type { OperatorAction, OperatorAnswer, OperatorRefusal } from "../../actors/ports.ts";
import type { TradingSymbol } from "../../machines/mod.ts";
import { rejection } from "../machines/scenario.ts";
import { BONK, type Kit, requested, SEI, startSymbols } from "./symbols_kit.ts";

/** Operators over the actors of `kit`; the cycle starts what it is asked to, unless it is said to refuse. */
function operatorsOf(
  kit: Kit,
  { held = [BONK], refusal }: { held?: readonly TradingSymbol[]; refusal?: OperatorRefusal } = {},
) {
  const startNow: StartNow = (symbol) =>
    refusal === undefined
      ? { ok: true, event: { ...requested(symbol, kit.clock.now()), reason: "operator" } }
      : { ok: false, code: refusal, message: `${symbol}: ${refusal}` };
  const operators = createOperators({
    symbols: {
      view: (symbol) => kit.symbols.view(symbol),
      ask: (event) => kit.symbols.ask(event),
    },
    startNow,
    isHeld: (symbol) => held.includes(symbol),
    clock: kit.clock,
    observe: (observation) => kit.observed.push(observation),
  });
  return async (action: OperatorAction, symbol = BONK): Promise<OperatorAnswer> => {
    const answer = await operators.act({ action, symbol, by: "ana", reason: "she says so" });
    await kit.clock.settle();
    return answer;
  };
}

const done = (state: string, seq: number) => ({ ok: true, changed: true, state, seq });
const already = (state: string) => ({ ok: true, changed: false, state, seq: null });
const refused = (code: OperatorRefusal) => ({ ok: false, code });

async function toPlacing(kit: Kit): Promise<void> {
  await kit.request(BONK);
  await kit.quote(BONK);
}

async function fail(kit: Kit, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await toPlacing(kit);
    const { client_order_id } = kit.lastOrder(BONK);
    const at = new Date(kit.clock.now()).toISOString();
    await kit.answer({ type: "order.rejected", symbol: BONK, at, client_order_id, rejection: rejection() });
  }
}

describe("at rest", () => {
  test("pause suspends, a second pause finds it so, and resume lets it go on", async () => {
    const act = operatorsOf(await startSymbols());
    expect(await act("pause")).toEqual(done("suspended", 1));
    expect(await act("pause")).toEqual(already("suspended"));
    expect(await act("resume")).toEqual(done("idle", 2));
    expect(await act("resume")).toEqual(already("idle"));
  });

  test("a ban is lifted by reset and by nothing else", async () => {
    const act = operatorsOf(await startSymbols());
    expect(await act("ban")).toEqual(done("suspended", 1));
    expect(await act("resume")).toMatchObject({
      ...refused("suspended"),
      message: expect.stringMatching(/ban by ana: she says so.*reset/),
    });
    expect(await act("ban")).toEqual(already("suspended"));
    expect(await act("reset")).toEqual(done("idle", 2));
    expect(await act("reset")).toEqual(already("idle"));
  });

  test("reset ends the rest after failures", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await fail(kit, 3);
    expect(kit.symbols.view(BONK)?.state).toBe("backoff.waiting");
    expect(await act("reset")).toMatchObject({ ok: true, changed: true, state: "idle" });
    expect(kit.symbols.view(BONK)?.failures).toBe(0);
  });

  test("there is nothing to abort", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    expect(await act("abort")).toMatchObject(refused("not_applicable"));
    expect(kit.ledger.rows).toEqual([]);
  });
});

describe("during an attempt", () => {
  test("pause cancels the order first, and resume takes the pause back", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await toPlacing(kit);
    expect(await act("pause")).toMatchObject({ ok: true, changed: true, state: "purging.cancelling" });
    expect(kit.commands.at(-1)?.type).toBe("order.cancel");
    expect(await act("resume")).toMatchObject({ ok: true, changed: true, state: "purging.cancelling" });
  });

  test("a ban under way is not taken back by resume", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await toPlacing(kit);
    await act("ban");
    expect(await act("resume")).toMatchObject(refused("suspended"));
  });

  test("resume of an attempt that nobody ends finds it as it should be", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await toPlacing(kit);
    expect(await act("resume")).toEqual(already("purging.placing"));
  });

  test("abort ends it where no order is out", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await kit.request(BONK);
    expect(await act("abort")).toEqual(done("idle", 2));
  });
});

describe("a purge on an operator's word", () => {
  test("starts an attempt with the reason `operator`", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    expect(await act("purge")).toEqual(done("purging.quoting", 1));
    expect(kit.transitions[0]?.event).toMatchObject({ type: "purge.requested", reason: "operator" });
  });

  test.each<OperatorRefusal>(["not_held", "limit", "venue", "dry_run", "protected", "not_ready"])(
    "is refused as the cycle refuses it: %s",
    async (refusal) => {
      const kit = await startSymbols();
      expect(await operatorsOf(kit, { refusal })("purge")).toMatchObject(refused(refusal));
      expect(kit.ledger.rows).toEqual([]);
    },
  );

  test("that comes twice at once starts one attempt", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    const [first, second] = await Promise.all([act("purge"), act("purge")]);
    expect(first).toEqual(done("purging.quoting", 1));
    expect(second).toMatchObject(refused("busy"));
  });

  test("is refused where a pause or a rest was durable first", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    const [, second] = await Promise.all([act("pause"), act("purge")]);
    expect(second).toMatchObject(refused("suspended"));
    await act("reset");
    await fail(kit, 3);
    expect(await act("purge")).toMatchObject(refused("in_backoff"));
  });

  test("of a symbol that was cleared takes it as held again first", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await toPlacing(kit);
    const { client_order_id, base_size } = kit.lastOrder(BONK);
    const at = new Date(kit.clock.now()).toISOString();
    const order = { client_order_id, order_id: "X-1", revision: 1, fee: "0", rejection: null };
    await kit.answer({
      ...{ type: "order.update", symbol: BONK, at, status: "filled", ...order },
      ...{ filled_size: base_size, filled_value: "4.99" },
    });
    await kit.quoteNothingLeft(BONK);
    expect(kit.symbols.view(BONK)?.state).toBe("cleared");
    expect(await act("purge")).toMatchObject({ ok: true, changed: true, state: "purging.quoting" });
    expect(kit.ledger.rows.slice(-2).map(({ state }) => state)).toEqual(["idle", "purging.quoting"]);
  });
});

describe("a symbol that nobody knows", () => {
  test.each<OperatorAction>(["pause", "resume", "reset", "abort"])(
    "makes no machine when a slip of the pen asks to %s it",
    async (action) => {
      const kit = await startSymbols();
      expect(await operatorsOf(kit)(action, SEI)).toMatchObject({
        ...refused("unknown_symbol"),
        message: expect.stringContaining("SEI-USD"),
      });
      expect([kit.symbols.view(SEI), kit.ledger.rows]).toEqual([null, []]);
    },
  );

  test("may be banned before it is ever held", async () => {
    const kit = await startSymbols();
    expect(await operatorsOf(kit)("ban", SEI)).toEqual(done("suspended", 1));
  });

  test("is known when the ledger has it, held or not", async () => {
    const kit = await startSymbols();
    await kit.request(BONK);
    expect(await operatorsOf(kit, { held: [] })("pause")).toMatchObject({ ok: true });
  });
});

describe("what operators ask", () => {
  test("is in the journal with who asked and why", async () => {
    const kit = await startSymbols();
    await operatorsOf(kit)("pause");
    expect(kit.transitions[0]?.event).toMatchObject({
      type: "operator.pause",
      by: "ana",
      reason: "she says so",
    });
  });

  test("is observed with its answer, refused or not", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    await act("pause");
    await act("pause", SEI);
    const seen = kit.observed.filter(({ kind }) => kind === "operator");
    expect(seen).toMatchObject([
      { request: { action: "pause", symbol: BONK, by: "ana" }, answer: { ok: true, seq: 1 } },
      { request: { action: "pause", symbol: SEI, by: "ana" }, answer: { ok: false, code: "unknown_symbol" } },
    ]);
  });

  test("is not answered before it is durable", async () => {
    const kit = await startSymbols();
    const act = operatorsOf(kit);
    kit.faults.hold();
    let answered = false;
    const acting = act("ban").then(() => {
      answered = true;
    });
    for (let turn = 0; turn < 30; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect([kit.faults.held, answered]).toEqual([1, false]);
    kit.faults.release();
    await acting;
    expect(kit.states()).toEqual(["suspended"]);
  });

  test("is answered `not_ready` when the journal fails, whether it was written or not", async () => {
    const kit = await startSymbols();
    kit.faults.failNext({ isWritten: true });
    expect(await operatorsOf(kit)("pause")).toMatchObject({
      ...refused("not_ready"),
      message: expect.stringContaining("may have been done"),
    });
  });
});
