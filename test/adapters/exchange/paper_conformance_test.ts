// The paper exchange keeps the contract that every exchange adapter keeps, with and without a way for answers to go.
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, parsePaperScript } from "../../../adapters/exchange/mod.ts";
import { exchangeConformance } from "./conformance.ts";
import { SEI, seiScript } from "./paper_kit.ts";

const neverFills = "behaviour: { SEI-USD: [] }\n";

for (const [name, latency] of [
  ["the paper exchange", ""],
  ["the paper exchange at a distance", "latency_ms: { min: 10, max: 90 }\n"],
] as const) {
  exchangeConformance(name, async () => {
    const clock = virtualClock();
    const text = seiScript(neverFills + latency).replace("fill_after_ms: 1000", "fill_after_ms: 86400000");
    const exchange = openPaperExchange({ file: ":memory:", script: parsePaperScript(text), clock });
    return { exchange, symbol: SEI, pass: () => clock.advance(50) };
  });
}
