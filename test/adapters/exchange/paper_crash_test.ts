// A process killed in the middle of its trading leaves an account that knows what really happened.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { virtualClock } from "../../../adapters/clock/mod.ts";
import { openPaperExchange, parsePaperScript } from "../../../adapters/exchange/mod.ts";
import { add, compare, subtract } from "../../../machines/mod.ts";
import { freshFile } from "./paper_kit.ts";

const ROUNDS = 8;
const trader = join(import.meta.dirname, "paper_child.ts");

/** Fills by the clock within milliseconds, in parts and during cancels, so that a kill finds them under way. */
const script = `
fee_bps: 60
fill_after_ms: 3
account: { USD: 10, SEI: { balance: 100000000, hold: 0.3 } }
products:
  SEI-USD: { price: 0.1563, base_increment: 0.1, price_increment: 0.0001, base_min_size: 0.5, quote_min_size: 1 }
behaviour:
  SEI-USD:
    - repeat: 1000000
      steps:
        - fill: { after_ms: 1, parts: [0.2, 0.3, 0.5] }
        - no_fill: true
        - partial: { fraction: 0.4, then: cancel }
        - fill_during_cancel: 0.5
        - unknown: { happened: true }
        - fill: {}
`;

test("kill -9 amid orders and fills: balances are what was there less the fills, and no answer was a lie", async () => {
  const file = freshFile();
  const answered: Answer[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    answered.push(...(await tradeUntilKilled(file, round)));
    expectSound(file, answered);
  }
  expect(answered.length).toBeGreaterThan(ROUNDS * 5);
}, 120_000);

interface Answer {
  readonly client_order_id: string;
  readonly order_id: string;
  readonly revision: number;
  readonly filled_size: string;
  readonly status: string;
}

/** Starts a trader, which dies by its own hand between two writes of a transaction, or is killed at some other moment. */
async function tradeUntilKilled(file: string, round: number): Promise<readonly Answer[]> {
  const lastWrite = round % 2 === 0 ? 150 + 7 * round : 0;
  const child = spawn(process.execPath, [trader, file, script, String(round), String(lastWrite)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = await linesUntil(child, lastWrite > 0 ? Number.POSITIVE_INFINITY : 10 + ((round * 37) % 60));
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** Kills the child when it has written `count` lines, and returns what it had written whole by the time it died. */
async function linesUntil(child: ChildProcess, count: number): Promise<readonly string[]> {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (text.split("\n").length > count) child.kill("SIGKILL");
  });
  const [code, signal] = await once(child, "close");
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  return text.split("\n").slice(0, -1);
}

function expectSound(file: string, answered: readonly Answer[]): void {
  // A clock at the beginning of time: nothing that is due is brought about by looking.
  const exchange = openPaperExchange({ file, script: parsePaperScript(script), clock: virtualClock(0) });
  const fills = exchange.fills();
  const orders = new Map(exchange.orders().map((order) => [order.client_order_id as string, order]));
  const [sei, usd] = exchange.balances();
  const sold = fills.map(({ size }) => size).reduce(add, "0");
  expect(add(sei?.total ?? "", sold)).toBe("100000000");
  expect(usd?.total).toBe(add("10", fills.map(({ value, fee }) => subtract(value, fee)).reduce(add, "0")));
  const filled = new Map<string, string>();
  for (const { client_order_id: id, size } of fills) filled.set(id, add(filled.get(id) ?? "0", size));
  let offered = "0.3";
  for (const [id, order] of orders) {
    expect(order.filled_size).toBe(filled.get(id) ?? "0");
    if (order.status === "open") offered = add(offered, subtract(order.base_size, order.filled_size));
  }
  expect(sei?.held).toBe(offered);
  for (const answer of answered) {
    const order = orders.get(answer.client_order_id);
    expect(order?.order_id).toBe(answer.order_id);
    expect(order?.revision ?? -1).toBeGreaterThanOrEqual(answer.revision);
    expect(compare(order?.filled_size ?? "0", answer.filled_size)).not.toBe(-1);
    if (answer.status !== "open") expect(order?.status).toBe(answer.status);
  }
  void exchange.close();
}
