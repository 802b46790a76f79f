// A process that trades on a paper account without pause, until it is killed. Each answer it got is a line of its output.
import { writeSync } from "node:fs";
import { StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { Effect, Result } from "effect";
import { v5 } from "uuid";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, parsePaperScript } from "../../../adapters/exchange/mod.ts";
import { ClientOrderId, TradingSymbol } from "../../../machines/mod.ts";

const [file = "", script = "", round = "0", lastWrite = "0"] = process.argv.slice(2);

/** Dies, as by kill -9, before the write of this number: the file is left with half a transaction. */
let writesLeft = Number(lastWrite);
if (writesLeft > 0) {
  StatementSync.prototype.run = new Proxy(StatementSync.prototype.run, {
    apply(run, statement, values) {
      writesLeft -= 1;
      if (writesLeft === 0) process.kill(process.pid, "SIGKILL");
      return Reflect.apply(run, statement, values);
    },
  });
}

const exchange = openPaperExchange({ file, script: parsePaperScript(script), clock: systemClock() });
const symbol = TradingSymbol.make("SEI-USD");
writeSync(1, "ready\n");

for (let n = 0; ; n += 1) {
  const kind = n % 3 === 0 ? "ioc" : "post_only";
  const limit_price = kind === "ioc" ? "0.1560" : "0.1563";
  const client_order_id = ClientOrderId.make(v5(`${round}:${n}`, v5.URL));
  const base_size = `${7 + (n % 5)}.${n % 10}`.replace(/\.0$/, "");
  const order = { client_order_id, symbol, side: "SELL", kind, base_size, limit_price } as const;
  const placed = await Effect.runPromise(Effect.result(exchange.place(order)));
  if (Result.isSuccess(placed)) writeSync(1, `${JSON.stringify(placed.success)}\n`);
  if (n % 4 === 1) {
    const cancelled = await Effect.runPromise(Effect.result(exchange.cancel({ ...order, order_id: null })));
    if (Result.isSuccess(cancelled)) writeSync(1, `${JSON.stringify(cancelled.success)}\n`);
  }
  if (n % 8 === 0) await pause(1); // fills come by the clock
}
