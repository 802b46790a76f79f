// A client of the server as any other program is one: publishes results, and sees orders pass.
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { type Msg, type MsgHdrs, type NatsConnection, headers } from "@nats-io/transport-node";
import { connectNats, decode, type TransportMessage } from "../../adapters/bus/mod.ts";
import type { PurgeCommand, TradingSymbol } from "../../machines/mod.ts";

/** Published and not acknowledged yet. */
const PUBLISHING = 256;

export class Wire {
  readonly connection: NatsConnection;
  readonly #client: JetStreamClient;
  /** The last command to each symbol that was not asked for yet. */
  readonly #commands = new Map<TradingSymbol, PurgeCommand>();
  readonly #arriving = new Map<string, (at: number) => void>();
  readonly #waiting = new Map<TradingSymbol, (command: PurgeCommand) => void>();

  private constructor(connection: NatsConnection) {
    this.connection = connection;
    this.#client = jetstream(connection);
    connection.subscribe("purge.v1.orders.*", { callback: (_, msg) => this.#take(msg) });
  }

  static async open(url: string, name: string): Promise<Wire> {
    const wire = new Wire(await connectNats({ servers: url, name }));
    await wire.connection.flush();
    return wire;
  }

  /** The next command to `symbol`, or the one that has come meanwhile. */
  command(symbol: TradingSymbol): Promise<PurgeCommand> {
    const command = this.#commands.get(symbol);
    this.#commands.delete(symbol);
    if (command !== undefined) return Promise.resolve(command);
    return new Promise((resolve) => this.#waiting.set(symbol, resolve));
  }

  /** When the next message of `subject` arrives, by `performance.now()`; taken before it is decoded. */
  arrivalOn(subject: string): Promise<number> {
    return new Promise((resolve) => this.#arriving.set(subject, resolve));
  }

  arrived(subject: string): void {
    this.#arriving.get(subject)?.(performance.now());
    this.#arriving.delete(subject);
  }

  /** Resolves when the server has stored it. */
  async publish({ subject, bytes, headers: fields }: TransportMessage): Promise<void> {
    await this.#client.publish(subject, bytes, { headers: natsHeaders(fields) });
  }

  async publishAll(messages: readonly TransportMessage[]): Promise<void> {
    const left = messages.values();
    const one = async (): Promise<void> => {
      for (const message of left) await this.publish(message);
    };
    await Promise.all(Array.from({ length: PUBLISHING }, one));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  #take(msg: Msg): void {
    this.arrived(msg.subject);
    const fields = Object.fromEntries([...(msg.headers ?? [])].map(([key, [value = ""]]) => [key, value]));
    const decoded = decode("orders", { subject: msg.subject, bytes: msg.data, headers: fields });
    if (!decoded.ok) throw new Error(`an order that does not decode: ${decoded.reason}`);
    const { symbol } = decoded.body;
    const waiting = this.#waiting.get(symbol);
    this.#waiting.delete(symbol);
    if (waiting === undefined) this.#commands.set(symbol, decoded.body);
    else waiting(decoded.body);
  }
}

function natsHeaders(fields: Readonly<Record<string, string>>): MsgHdrs {
  const all = headers();
  for (const [key, value] of Object.entries(fields)) all.set(key, value);
  return all;
}
