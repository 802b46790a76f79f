// `purgatory status`: from the supervisor on the bus where there is one, else from the ledger's file.
import { hostname } from "node:os";
import { JournalError } from "../../actors/ports.ts";
import type { ControlClient, StatusReply } from "../control/mod.ts";
import { redactText } from "../telemetry/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import { findBus } from "./bus_access.ts";
import type { StatusCommand } from "./command.ts";
import { controlOver, type OpenControl } from "./control_access.ts";
import { EXIT } from "./exit_codes.ts";
import { withoutLogin } from "./grants.ts";
import { statusOfLedger } from "./ledger_commands.ts";
import { ledgerPaths } from "./ledger_paths.ts";
import { readRunFile } from "./run_file.ts";
import { isTroubled } from "./status_view.ts";
import { supervisorDocument, supervisorLines } from "./supervisor_view.ts";

/** Rejects with `JournalError` when there is neither a bus nor a ledger. */
export async function status(command: StatusCommand): Promise<Answer> {
  const access = await findBus(command, { env: process.env, stateDir: command.stateDir });
  switch (access.kind) {
    case "server": {
      const control = controlOver(access, "purgatory status");
      return statusOver(command, { url: withoutLogin(access.url), control });
    }
    case "wrong":
      return statusOfFile(command, access.message);
    default:
      return statusOfLedger(command);
  }
}

/** The same with the way to the supervisor already known. */
export async function statusOver(
  command: StatusCommand,
  { url, control }: { readonly url: string; readonly control: OpenControl },
): Promise<Answer> {
  const asked = await control(async (client) => inFull(client, await client.status()));
  if (!asked.ok) return statusOfFile(command, asked.message);
  const reply = asked.value;
  if (reply.mode !== command.mode) {
    const whose = `process ${reply.pid} on ${reply.host}`;
    const message = `${url}: the supervisor there works in ${reply.mode} mode (${whose}), not ${command.mode}`;
    return statusOfFile(command, message);
  }
  const { dir } = ledgerPaths(command.stateDir, command.mode);
  const left = reply.host === hostname() ? readRunFile(dir, reply.pid) : null;
  const input = { reply, url, grants: left?.grants ?? null };
  if (command.json) return done(JSON.stringify(supervisorDocument(input, redactText)));
  const { columns = 120 } = process.stdout;
  const colour = process.stdout.isTTY === true && process.stdout.hasColors(process.env);
  return done(supervisorLines(input, { width: columns, colour, redact: redactText }).join("\n"));
}

/** So many are told in full; a page with more has a trouble of its own. */
const FULL_MAX = 50;

/** With the exchange's raw words of those that failed, which a page of all symbols leaves out. */
async function inFull(client: ControlClient, reply: StatusReply): Promise<StatusReply> {
  const troubled = reply.symbols.filter((body) =>
    isTroubled({ failures: body.failures, lastRejection: body.last_rejection, state: body.state }),
  );
  const names = troubled.slice(0, FULL_MAX).map(({ symbol }) => symbol);
  const bodies = await Promise.all(names.map((symbol) => client.symbol(symbol)));
  const full = new Map(bodies.flatMap((body) => (body === null ? [] : [[body.symbol, body] as const])));
  return { ...reply, symbols: reply.symbols.map((body) => full.get(body.symbol) ?? body) };
}

/** Nobody answered, or not the one that was meant: the file is better than nothing. */
async function statusOfFile(command: StatusCommand, why: string): Promise<Answer> {
  try {
    const answer = await statusOfLedger(command);
    return { ...answer, errors: `${why}\nThis is what the ledger's file says:` };
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    return failed(`${why}\n${error.message}`, EXIT.failed);
  }
}
