// `purgatory record`: a recording of a supervisor that runs elsewhere, from what its bus has kept. An observer's rights do.
import { TradingSymbol } from "../../machines/mod.ts";
import { loadKeptTransitions, recordLine } from "../recording/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import { type BusAccess, findBus } from "./bus_access.ts";
import type { RecordCommand } from "./command.ts";
import { overBus } from "./control_access.ts";
import { EXIT } from "./exit_codes.ts";
import { LineOutput, type LineStream, untilSignal } from "./line_output.ts";

export interface RecordOptions {
  readonly stream?: LineStream;
  /** Ends `--follow`. */
  readonly signal?: AbortSignal;
  readonly warn?: (line: string) => void;
}

export async function recordBus(command: RecordCommand, options: RecordOptions = {}): Promise<Answer> {
  const access = await findBus(command, { env: process.env, stateDir: command.stateDir });
  if (access.kind === "wrong") return failed(access.message);
  if (access.kind !== "server")
    return failed(
      "record needs a server: name one, as in purgatory record nats://127.0.0.1:4222, or nats.url in app.yaml",
      EXIT.usage,
    );
  return recordFrom(access, command, options);
}

async function recordFrom(
  access: Extract<BusAccess, { kind: "server" }>,
  { symbol, follow }: RecordCommand,
  { stream = process.stdout, signal, warn = (line) => void process.stderr.write(`${line}\n`) }: RecordOptions,
): Promise<Answer> {
  const { keptTransitions } = await loadKeptTransitions();
  const output = new LineOutput(stream);
  let malformed = 0;
  const asked = await overBus(access, "purgatory record", async (connection) => {
    const only = symbol === null ? {} : { symbol: TradingSymbol.make(symbol) };
    const goOn = follow ? { follow: signal ?? untilSignal() } : {};
    for await (const batch of keptTransitions(connection, { ...only, ...goOn })) {
      for (const kept of batch) {
        if (kept.kind === "transition") {
          output.line(recordLine(kept.transition));
          continue;
        }
        malformed += 1;
        warn(`message ${kept.number} of the stream is no transition: ${kept.reason}; it was left out`);
      }
      await output.flush();
      if (output.isClosed) break;
    }
  });
  if (!asked.ok) return failed(asked.message);
  return output.end(malformed === 0 ? done() : failed(`${malformed} messages were left out`));
}
