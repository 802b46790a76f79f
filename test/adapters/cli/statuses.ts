// Symbols as they look in the first live run on record, for the tests of what shows them.
import type { SymbolStatus } from "../../../actors/ports.ts";
import { TradingSymbol, type Rejection } from "../../../machines/mod.ts";
import { Schema } from "effect";

const symbolOf = Schema.decodeUnknownSync(TradingSymbol);

export const NOW = Date.parse("2025-11-11T03:18:00.000Z");

export function status(symbol: string, more: Partial<Omit<SymbolStatus, "symbol">> = {}): SymbolStatus {
  return {
    symbol: symbolOf(symbol),
    state: "idle",
    failures: 0,
    attempts: 0,
    lastRejection: null,
    lastError: null,
    nextTryAt: null,
    soldSize: "0",
    soldValueUsd: "0",
    residualUsd: null,
    updatedAt: "2025-11-11T03:04:05.678Z",
    ...more,
  };
}

export const invalidSize: Rejection = {
  class: "symbol",
  classified: true,
  code: "INVALID_ORDER_CONFIGURATION",
  message: "Invalid order size",
  details: null,
  preview_failure: null,
  raw_response: '{"success":false,"error_response":{"error":"INVALID_ORDER_CONFIGURATION"}}',
};

export const bonk = status("BONK-USD", {
  state: "backoff.waiting",
  failures: 3,
  attempts: 3,
  lastRejection: invalidSize,
  lastError:
    "Order placement failed: API error | error=INVALID_ORDER_CONFIGURATION | message=Invalid order size | preview_failure=",
  nextTryAt: "2025-11-11T04:00:00.000Z",
});
export const sei = status("SEI-USD", {
  state: "cleared",
  attempts: 1,
  soldSize: "36.2",
  soldValueUsd: "5.6598",
  residualUsd: "0.0312",
});
export const wlfi = status("WLFI-USD", {
  state: "purging.resting",
  attempts: 1,
  soldSize: "35",
  soldValueUsd: "5.005",
});
