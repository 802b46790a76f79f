// A gateway in a process of its own: answers a command and waits for the next one, or asks and waits for a plain reply.
// Driven by `bus_latency.ts` over IPC.
import type { OrderResult, PurgeCommand, TradingSymbol } from "../../machines/mod.ts";
import { type Block, ECHO_SUBJECT, LATENCY_SYMBOLS, RELAY_IN, RELAY_OUT } from "./bus_latency_protocol.ts";
import { filled, marketSnapshot, resultMessage, symbolsNamed, wouldCross } from "./bus_messages.ts";
import { Wire } from "./bus_wire.ts";

const [, , url = ""] = process.argv;
const wire = await Wire.open(url, "bench gateway apart");
const symbols = symbolsNamed("L", LATENCY_SYMBOLS);
/** Orders placed for each symbol. */
const placed = new Map<TradingSymbol, number>();
let turn = 0;
const echoBody = new Uint8Array(400);

/** Every second order is refused, the others are filled: what follows is a new question to the market. */
function answerTo(command: PurgeCommand): OrderResult {
  if (command.type === "market.refresh") return marketSnapshot(command);
  if (command.type !== "order.place") throw new Error(`nobody was to send ${command.type}`);
  const count = (placed.get(command.symbol) ?? 0) + 1;
  placed.set(command.symbol, count);
  return count % 2 === 1 ? wouldCross(command.order) : filled(command.order);
}

/** From handing the result to the client until the next order is here, milliseconds. */
async function toOrder(): Promise<number> {
  const symbol = symbols[turn % symbols.length];
  turn += 1;
  if (symbol === undefined) throw new Error("there are no symbols");
  const message = resultMessage(answerTo(await wire.command(symbol)));
  const next = wire.arrivalOn(`purge.v1.orders.${symbol}`);
  const since = performance.now();
  const stored = wire.publish(message);
  const elapsed = (await next) - since;
  await stored;
  return elapsed;
}

/** The same for a request of about the same size to a subscriber in the supervisor's process. */
async function toReply(): Promise<number> {
  const since = performance.now();
  await wire.connection.request(ECHO_SUBJECT, echoBody, { timeout: 5_000 });
  return performance.now() - since;
}

async function toRelayed(): Promise<number> {
  const next = wire.arrivalOn(RELAY_OUT);
  const since = performance.now();
  const stored = wire.publish({ subject: RELAY_IN, bytes: echoBody, headers: {} });
  const elapsed = (await next) - since;
  await stored;
  return elapsed;
}

const MEASURES = { order: toOrder, relay: toRelayed, reply: toReply } as const;
wire.connection.subscribe(RELAY_OUT, { callback: (_, { subject }) => wire.arrived(subject) });

process.on("message", async ({ what, count }: Block) => {
  const elapsed: number[] = [];
  while (elapsed.length < count) elapsed.push(await MEASURES[what]());
  process.send?.(elapsed);
});
process.on("disconnect", () => void wire.close());
process.send?.("ready");
