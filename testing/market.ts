// The exchange of a sequence: the paper exchange, with a script that goes on being written while it runs.
import {
  openPaperExchange,
  type PaperExchange,
  type PaperScript,
  parsePaperScript,
} from "../adapters/exchange/mod.ts";
import type { Clock } from "../actors/ports.ts";
import type { TradingSymbol } from "../machines/mod.ts";
import type { OrderStep } from "./steps.ts";

export interface MarketOptions {
  readonly symbol: TradingSymbol;
  /** Held of the base currency. */
  readonly balance: string;
  readonly price: string;
  readonly baseIncrement: string;
  readonly priceIncrement: string;
  readonly baseMinSize: string;
  readonly quoteMinSize: string;
}

/** Of every call, there and back: so long do `placing` and `quoting` last, and a sequence may stop in them. */
const LATENCY_MS = 50;
type Outages = PaperScript["outages"][number][];

export class Market {
  readonly exchange: PaperExchange;
  readonly #clock: Clock;
  readonly #outages: Outages;
  readonly #behaviour: CountedBehaviour;

  constructor(options: MarketOptions, fates: readonly OrderStep[], clock: Clock) {
    const script = scriptOf(options, fates);
    this.#clock = clock;
    this.#outages = [...script.outages];
    this.#behaviour = new CountedBehaviour(script.behaviour);
    this.exchange = openPaperExchange({
      file: ":memory:",
      script: { ...script, outages: this.#outages, behaviour: this.#behaviour },
      clock,
    });
    this.#behaviour.asked = 0;
  }

  /** Orders that have met a step of the script, or the lack of one. */
  get ordersMet(): number {
    return this.#behaviour.asked;
  }

  fail(ms: number, kind: Outages[number]["kind"]): void {
    const from_s = (this.#clock.now() - this.exchange.openedAt) / 1_000;
    this.#outages.push({ from_s, for_s: ms / 1_000, kind });
  }
}

/** The order desk asks for the steps of a symbol once for each order that uses one up. */
class CountedBehaviour extends Map<TradingSymbol, ReturnType<PaperScript["behaviour"]["get"]> & object> {
  asked = 0;

  override get(symbol: TradingSymbol) {
    this.asked += 1;
    return super.get(symbol);
  }
}

function scriptOf(options: MarketOptions, fates: readonly OrderStep[]): PaperScript {
  const { symbol, balance, price, baseIncrement, priceIncrement, baseMinSize, quoteMinSize } = options;
  const product = {
    ...{ price, base_increment: baseIncrement, price_increment: priceIncrement },
    ...{ base_min_size: baseMinSize, quote_min_size: quoteMinSize },
  };
  const document = {
    latency_ms: { min: LATENCY_MS, max: LATENCY_MS },
    account: { [symbol.slice(0, symbol.indexOf("-"))]: balance },
    products: { [symbol]: product },
    behaviour: { [symbol]: fates.map(({ fate, times }) => ({ ...fate, repeat: times })) },
  };
  // JSON is YAML, and the script's own checks say what is wrong with it.
  return parsePaperScript(JSON.stringify(document, null, 1), "the options of play");
}
