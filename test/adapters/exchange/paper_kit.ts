// A paper exchange for tests: a script with one product, a clock moved by hand, a file that goes away with the test.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Result } from "effect";
import { v5 } from "uuid";
import { onTestFinished } from "vitest";
import type { OrderRef, OrderReport, Refused, Unreachable } from "../../../actors/ports.ts";
import { type VirtualClock, virtualClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, type PaperExchange, parsePaperScript } from "../../../adapters/exchange/mod.ts";
import { ClientOrderId, type OrderRequest, TradingSymbol } from "../../../machines/mod.ts";

export const SEI = TradingSymbol.make("SEI-USD");

/** 100 SEI at a bid of 0.1562, and whatever `more` says of behaviour, outages and the like. */
export const seiScript = (more = ""): string => `
fill_after_ms: 1000
account: { USD: 10, SEI: 100 }
products:
  SEI-USD: { price: 0.1563, base_increment: 0.1, price_increment: 0.0001, base_min_size: 0.5, quote_min_size: 1 }
${more}`;

export const behaviour = (...steps: string[]): string =>
  seiScript(`behaviour:\n  SEI-USD:\n${steps.map((step) => `    - ${step}`).join("\n")}`);

/** A file in a directory of its own, removed at the end of the test. */
export function freshFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "purgatory-paper-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "account.db");
}

export interface Run {
  readonly exchange: PaperExchange;
  readonly clock: VirtualClock;
  /** What `onOrder` pushed. */
  readonly pushed: OrderReport[];
}

export function open(text = seiScript(), file = ":memory:", clock = virtualClock()): Run {
  const exchange = openPaperExchange({ file, script: parsePaperScript(text), clock });
  onTestFinished(() => exchange.close());
  const pushed: OrderReport[] = [];
  exchange.onOrder((report) => pushed.push(report));
  return { exchange, clock, pushed };
}

/** Runs a call while time passes as far as the call needs. */
export async function answer<A, E>(
  clock: VirtualClock,
  call: Effect.Effect<A, E>,
): Promise<Result.Result<A, E>> {
  const ended: PromiseSettledResult<Result.Result<A, E>>[] = [];
  void Promise.allSettled([Effect.runPromise(Effect.result(call))]).then((all) => ended.push(...all));
  await clock.settle();
  for (let waits = 0; ended.length === 0 && waits < 1_000; waits += 1) {
    await clock.advance(Math.max((clock.nextAt() ?? clock.now() + 1) - clock.now(), 0));
  }
  const [end] = ended;
  if (end?.status === "fulfilled") return end.value;
  throw end?.reason ?? new Error("the call never ended");
}

/** The answer to a call that must succeed. */
export async function good<A, E>(run: Pick<Run, "clock">, call: Effect.Effect<A, E>): Promise<A> {
  return Result.getOrThrow(await answer(run.clock, call));
}

/** The error of a call that must fail. */
export async function bad<A, E>(run: Pick<Run, "clock">, call: Effect.Effect<A, E>): Promise<E> {
  const result = await answer(run.clock, call);
  if (Result.isFailure(result)) return result.failure;
  throw new Error(`expected a failure, got ${JSON.stringify(result.success)}`);
}

/** An error in one line, the way the request log has it. */
export function brief(error: { readonly _tag: string }): string {
  return "code" in error ? `${error._tag} ${String(error.code)}` : unreachable(error);
}

function unreachable(
  error: { readonly _tag: string } & Partial<Pick<Unreachable, "arrived" | "kind">>,
): string {
  return error.arrived === undefined ? error._tag : `${error._tag} ${error.arrived} ${error.kind}`;
}

export type PlaceError = Refused | Unreachable;

export function orderId(name: string): ClientOrderId {
  return ClientOrderId.make(v5(name, v5.URL));
}

/** Ten SEI, resting one tick above the bid. */
export function sell(name: string, change: Partial<OrderRequest> = {}): OrderRequest {
  const order = {
    symbol: SEI,
    side: "SELL",
    kind: "post_only",
    base_size: "10",
    limit_price: "0.1563",
  } as const;
  return { client_order_id: orderId(name), ...order, ...change };
}

/** Ten SEI, at once, down to two ticks under the bid. */
export function sellNow(name: string, change: Partial<OrderRequest> = {}): OrderRequest {
  return sell(name, { kind: "ioc", limit_price: "0.1560", ...change });
}

export function ref(name: string): OrderRef {
  return { symbol: SEI, client_order_id: orderId(name), order_id: null };
}
