// What a supervisor on the bus answers to `status`, for the tests of who shows it.
import { Schema } from "effect";
import { StatusReply, type SymbolBody } from "../../../adapters/control/mod.ts";
import { bonk, NOW, sei } from "./statuses.ts";
import type { SymbolStatus } from "../../../actors/ports.ts";

/** Checked against the schema, as a client checks it. */
export function reply(more: Partial<typeof StatusReply.Encoded> = {}): StatusReply {
  return Schema.decodeUnknownSync(StatusReply)({
    at: new Date(NOW).toISOString(),
    mode: "paper",
    ledger_id: "ledger-1",
    version: "0.1.0",
    pid: 4711,
    host: "desk-3",
    started_at: "2025-11-11T01:00:00.000Z",
    connection: { connected: true, server: "127.0.0.1:4222", server_version: "2.10.27" },
    venue: null,
    last_cycle: {
      cycle: 12,
      at: "2025-11-11T03:17:50.000Z",
      duration_ms: 12,
      positions: 10,
      candidates: 2,
      started: 1,
      skipped: 1,
      held_back: null,
    },
    total: 2,
    symbols: [body(bonk), body(sei)],
    next: null,
    ...more,
  });
}

/** A symbol as the bus tells it. */
export function body(status: SymbolStatus): typeof SymbolBody.Encoded {
  return {
    symbol: status.symbol,
    state: status.state,
    failures: status.failures,
    attempts: status.attempts,
    last_rejection: status.lastRejection,
    last_error: status.lastError,
    next_try_at: status.nextTryAt,
    sold_size: status.soldSize,
    sold_value_usd: status.soldValueUsd,
    residual_usd: status.residualUsd,
    updated_at: status.updatedAt,
  };
}
