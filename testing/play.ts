// Plays a failure sequence on virtual time: the real program, a scripted exchange, and no waiting.
import { formatProblems, loadConfig, shippedConfigDir } from "../config/mod.ts";
import { type PurgePolicy, TradingSymbol } from "../machines/mod.ts";
import { Schema } from "effect";
import { inWords } from "./duration.ts";
import { ScenarioError } from "./errors.ts";
import type { MarketOptions } from "./market.ts";
import { Run } from "./run.ts";
import { LEDGER_ID, Stage } from "./stage.ts";
import { isIn } from "./states.ts";
import type { OrderStep, Step } from "./steps.ts";

/** Everything has a default: the position of BONK that was refused on the first live run, under the shipped policy. */
export interface PlayOptions {
  /** `BONK-USD` if left out. */
  readonly symbol?: string;
  /** What is held of it; `889587.0` if left out. */
  readonly balance?: string;
  /** In quote currency; it stands still. `0.00001066` if left out: $9.48, two slices. */
  readonly price?: string;
  readonly product?: Partial<Omit<MarketOptions, "symbol" | "balance" | "price">>;
  /** A directory with policy.yaml and app.yaml; what ships if left out. Its universe is not used: the symbol has to go. */
  readonly configDir?: string;
  /** In place of what the configuration says. */
  readonly policy?: Partial<PurgePolicy>;
  /** When the run begins; `2025-11-11T22:00:00.000Z` if left out. */
  readonly startsAt?: string;
}

/** Makes a sequence happen, and tells what came of it.
 *
 * A step begins when the orders listed before it have met their fate; after the last one, orders are filled. Attempts are
 * started by the program itself, once a minute. The first one starts at once.
 *
 * ```ts
 * const run = await play([rejected("INVALID_SIZE_PRECISION", { times: 3 }), crash(), wait("1 h")]);
 * ```
 *
 * @throws ScenarioError when a step cannot happen, or the options are not valid
 */
export async function play(steps: readonly Step[], options: PlayOptions = {}): Promise<Run> {
  refuseFakeTimers();
  const fates = steps.filter((step): step is OrderStep => step.kind === "orders");
  const stage = stageFor(fates, options);
  const { symbol } = stage;
  const startedAt = stage.stage.clock.now();
  const director = new Director(stage.stage, symbol);
  try {
    await stage.stage.start();
    for (const [index, step] of steps.entries()) await director.perform(step, index + 1);
    await director.awaitOrders(director.announced, `at the end of the sequence`);
    const endedAt = stage.stage.clock.now();
    const orders = stage.stage.market.exchange.orders();
    const { trouble } = stage.stage;
    const records = await stage.stage.finish();
    return new Run({ symbol, ledgerId: LEDGER_ID, records, startedAt, endedAt, orders, trouble });
  } catch (error) {
    await stage.stage.finish();
    throw error;
  }
}

/** No backoff is longer, unless a policy says so. */
const PATIENCE_MS = 24 * 3_600_000;
const ATTEMPTS = ["purging", "retrying"];

class Director {
  /** Orders listed so far. */
  announced = 0;
  /** Of these, how many nobody needs to wait for any more. */
  #awaited = 0;
  readonly #stage: Stage;
  readonly #symbol: TradingSymbol;
  /** The order that was live when the count of orders became this. */
  readonly #ids = new Map<number, string>();

  constructor(stage: Stage, symbol: TradingSymbol) {
    this.#stage = stage;
    this.#symbol = symbol;
  }

  async perform(step: Step, number: number): Promise<void> {
    const where = `step ${number}, ${step.words}`;
    if (step.kind === "orders") {
      this.announced += step.times;
      return;
    }
    if (step.kind === "until") return this.#until(step.state, where);
    if (this.#awaited < this.announced) await this.awaitOrders(this.announced, `before ${where}`);
    switch (step.kind) {
      case "wait":
        return this.#stage.clock.advance(step.ms);
      case "crash":
        return this.#stage.crash();
      case "venue":
        return this.#stage.market.fail(step.ms, step.how);
      case "operator": {
        const refusal = await this.#stage.operate(step.action);
        if (refusal !== null) throw new ScenarioError({ message: `${where}: ${refusal}` });
      }
    }
  }

  /** Until the first `count` orders have met their fate, and the symbol has gone on from the last of them. */
  async awaitOrders(count: number, where: string): Promise<void> {
    if (!(await this.#stage.runUntil(() => this.#isOver(count), PATIENCE_MS))) {
      const { ordersMet } = this.#stage.market;
      const met = `order ${Math.min(ordersMet + 1, count)} of the ${count} listed did not meet its fate`;
      const advice = "take it out, or let what is before it end otherwise";
      throw new ScenarioError({
        message: `${where}: ${met} within ${inWords(PATIENCE_MS)}: ${this.#standing()}; ${advice}`,
      });
    }
    this.#awaited = Math.max(this.#awaited, count);
  }

  async #until(state: string, where: string): Promise<void> {
    if (this.#awaited < this.announced - 1) await this.awaitOrders(this.announced - 1, `before ${where}`);
    const isThere = (): boolean =>
      this.#stage.market.ordersMet >= this.announced && isIn(this.#stage.last?.state ?? "idle", state);
    if (!(await this.#stage.runUntil(isThere, PATIENCE_MS))) {
      throw new ScenarioError({
        message: `${where}: ${this.#symbol} did not come to rest there within ${inWords(PATIENCE_MS)}: ${this.#standing()}; name a state that lasts, such as purging.resting, failed, backoff.waiting or cleared`,
      });
    }
    this.#awaited = this.announced;
  }

  #isOver(count: number): boolean {
    const { ordersMet, exchange } = this.#stage.market;
    if (ordersMet < count) return false;
    if (ordersMet > count || count === 0) return true;
    const known = this.#ids.get(count);
    const last = known ?? lastPlaced(exchange.requests());
    if (last !== undefined) this.#ids.set(count, last);
    return last === undefined || this.#liveId() !== last;
  }

  #liveId(): string | null {
    const { last } = this.#stage;
    if (last === null || !ATTEMPTS.some((state) => isIn(last.state, state))) return null;
    return liveOrderOf(last.snapshot).context.attempt?.order?.request.client_order_id ?? null;
  }

  #standing(): string {
    const { last } = this.#stage;
    return `${this.#symbol} is in ${last?.state ?? "idle"} since ${last?.at ?? "the beginning"}`;
  }
}

const LiveOrder = Schema.NullOr(
  Schema.Struct({ request: Schema.Struct({ client_order_id: Schema.String }) }),
);
const liveOrderOf = Schema.decodeUnknownSync(
  Schema.Struct({
    context: Schema.Struct({ attempt: Schema.NullOr(Schema.Struct({ order: LiveOrder })) }),
  }),
);

function lastPlaced(
  requests: readonly { readonly call: string; readonly client_order_id: string | null }[],
): string | undefined {
  return requests.findLast(({ call }) => call === "place")?.client_order_id ?? undefined;
}

const BONK = {
  ...{ symbol: "BONK-USD", balance: "889587.0", price: "0.00001066", startsAt: "2025-11-11T22:00:00.000Z" },
  product: { baseIncrement: "1", priceIncrement: "0.00000001", baseMinSize: "1", quoteMinSize: "1" },
};
const isSymbol = Schema.is(TradingSymbol);

function stageFor(
  fates: readonly OrderStep[],
  options: PlayOptions,
): { stage: Stage; symbol: TradingSymbol } {
  const { symbol, balance, price, product, policy, configDir, startsAt } = { ...BONK, ...options };
  if (!isSymbol(symbol)) {
    throw new ScenarioError({ message: `symbol: ${symbol} is not a product; write one such as BONK-USD` });
  }
  const at = Date.parse(startsAt);
  if (Number.isNaN(at)) {
    throw new ScenarioError({
      message: `startsAt: ${startsAt} is not a time; write 2025-11-11T22:00:00.000Z`,
    });
  }
  const config = configOf(configDir);
  const stage = new Stage({
    market: { symbol, balance, price, ...BONK.product, ...product },
    config,
    policy: { ...config.policy, ...policy },
    fates,
    startsAt: at,
  });
  return { stage, symbol };
}

/** Universe and secrets are not needed for a paper run of one symbol. */
function configOf(configDir: string | undefined) {
  const loaded =
    configDir === undefined ? loadConfig(shippedConfigDir, {}) : loadConfig(configDir, process.env);
  if (loaded.ok) return loaded.config;
  throw new ScenarioError({ message: `configDir: ${formatProblems(loaded.problems)}` });
}

/** What waits for a turn of the event loop would wait for ever. */
function refuseFakeTimers(): void {
  if (!("clock" in setImmediate)) return;
  throw new ScenarioError({
    message:
      "play has a virtual time of its own, and vi.useFakeTimers() stops the real one; call vi.useRealTimers() before it",
  });
}
