// `purgatory nats init` and `purgatory gateway-check`: what looks after a bus, and never sells.
import { BusError } from "../../actors/ports.ts";
import { formatStreamReport, initStreams, isReady } from "../bus/mod.ts";
import {
  checkGateway,
  chooseClauses,
  formatClause,
  formatSummary,
  reportDocument,
} from "../gateway_check/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import { type BusAccess, findBus } from "./bus_access.ts";
import type { GatewayCheckCommand, NatsInitCommand } from "./command.ts";
import { overBus } from "./control_access.ts";
import { EXIT } from "./exit_codes.ts";

/** Creates the streams and consumers; or, asked to, brings them in line. Fails where something differs still. */
export async function initNats(command: NatsInitCommand): Promise<Answer> {
  const { replicas, update, json } = command;
  const access = await findBus(command, { env: process.env, stateDir: null });
  if (access.kind !== "server") return noServer("nats init", access);
  const asked = await overBus(access, "purgatory nats init", (connection) =>
    initStreams(connection, { replicas, update }),
  );
  if (!asked.ok) return failed(asked.message);
  const report = asked.value;
  const text = json ? JSON.stringify({ ready: isReady(report), ...report }) : formatStreamReport(report);
  return { ...done(text), exitCode: isReady(report) ? EXIT.ok : EXIT.failed };
}

/** Tries a gateway.
 *
 * @param say takes a clause that was tried; nothing with `--json`
 * @param warn takes what everybody has to know who lets it loose
 */
export async function tryGateway(
  command: GatewayCheckCommand,
  say: (line: string) => void,
  warn: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
): Promise<Answer> {
  const { timeoutSeconds, only, json } = command;
  const wrong = wrongClause(only);
  if (wrong !== null) return failed(`--only: ${wrong}`, EXIT.usage);
  const access = await findBus(command, { env: process.env, stateDir: null });
  if (access.kind !== "server") return noServer("gateway-check", access);
  const asked = await overBus(access, "purgatory gateway-check", (connection) =>
    checkGateway({
      connection,
      timeoutMs: timeoutSeconds * 1_000,
      only,
      observe: (progress) => {
        if (progress.kind === "warning") warn(progress.message);
        else if (!json) say(formatClause(progress.clause));
      },
    }),
  );
  if (!asked.ok) return failed(asked.message);
  const report = asked.value;
  const text = json ? JSON.stringify(reportDocument(report)) : `\n${formatSummary(report)}`;
  return { ...done(text), exitCode: report.ok ? EXIT.ok : EXIT.failed };
}

/** Before anybody connects: a typing error is a matter of the command line. */
function wrongClause(only: readonly string[]): string | null {
  try {
    chooseClauses(only);
    return null;
  } catch (error) {
    if (error instanceof BusError) return error.message;
    throw error;
  }
}

function noServer(what: string, access: Exclude<BusAccess, { kind: "server" }>): Answer {
  if (access.kind === "wrong") return failed(access.message);
  return failed(`${what} needs a server: name one with --nats, or nats.url in app.yaml`, EXIT.usage);
}
