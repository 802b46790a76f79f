// What a supervisor on the bus says of itself, for `purgatory status`: as text, or as one JSON document.
import type { SymbolStatus } from "../../actors/ports.ts";
import type { StatusReply, SymbolBody } from "../control/mod.ts";
import { describeGrants, type Grants, grantsDocument } from "./grants.ts";
import { symbolDocuments, symbolLines } from "./status_view.ts";
import type { TableOptions } from "./table.ts";
import { plainLine } from "./terminal_text.ts";
import { clockTime } from "./times.ts";

export interface SupervisorInput {
  readonly reply: StatusReply;
  /** Address of the bus, as this command reached it. */
  readonly url: string;
  /** Where the supervisor is of this machine and this state directory; else null. */
  readonly grants: Grants | null;
}

/** For people: who answers, over which bus, how the exchange is, the last cycle; then as of a ledger. */
export function supervisorLines(
  { reply, url, grants }: SupervisorInput,
  options: TableOptions,
): readonly string[] {
  const { redact = (text) => text } = options;
  const now = Date.parse(reply.at);
  const facts = [
    `  bus:     ${busLine(reply, url)}`,
    `  venue:   ${venueLine(reply, now)}`,
    `  cycle:   ${cycleLine(reply, now)}`,
  ];
  return [
    headline(reply),
    ...facts.map((line) => plainEnd(redact(line))),
    ...(grants === null ? [] : describeGrants(grants).map((line) => `  ${line}`)),
    ...symbolLines(reply.symbols.map(symbolStatus), now, options),
  ];
}

/** For programs: what a ledger's document has, and what only a supervisor knows. */
export function supervisorDocument(
  { reply, url, grants }: SupervisorInput,
  redact: (text: string) => string,
): unknown {
  const { at, mode, ledger_id, version, pid, host, started_at, connection, venue, last_cycle } = reply;
  return {
    source: "supervisor",
    at,
    mode,
    ledger_id,
    running: true,
    pid,
    host,
    version,
    started_at,
    bus: url,
    connection,
    venue: venue === null ? null : { ...venue, reason: venue.reason === null ? null : redact(venue.reason) },
    last_cycle:
      last_cycle === null
        ? null
        : { ...last_cycle, held_back: last_cycle.held_back === null ? null : redact(last_cycle.held_back) },
    grants: grants === null ? null : grantsDocument(grants),
    symbols: symbolDocuments(reply.symbols.map(symbolStatus), redact),
  };
}

function symbolStatus(body: SymbolBody): SymbolStatus {
  return {
    symbol: body.symbol,
    state: body.state,
    failures: body.failures,
    attempts: body.attempts,
    lastRejection: body.last_rejection,
    lastError: body.last_error,
    nextTryAt: body.next_try_at,
    soldSize: body.sold_size,
    soldValueUsd: body.sold_value_usd,
    residualUsd: body.residual_usd,
    updatedAt: body.updated_at,
  };
}

function headline({ mode, version, pid, host, started_at }: StatusReply): string {
  const since = started_at.slice(0, 19).replace("T", " ");
  return plainLine(
    `${mode} supervisor: running, purgatory ${version}, pid ${pid} on ${host}, since ${since}Z`,
  );
}

function busLine({ connection: { connected, server, server_version } }: StatusReply, url: string): string {
  const program = server_version === null ? "" : `, nats-server ${server_version}`;
  const reached = server === "" || url.endsWith(server) ? url : `${url} (the supervisor: ${server})`;
  return `${reached}${program}, ${connected ? "connected" : "not connected"}`;
}

function venueLine({ venue }: StatusReply, now: number): string {
  if (venue === null) return "nothing heard of it";
  if (venue.state === "closed") return "open for orders";
  const until = venue.until === null ? "" : ` until ${clockTime(Date.parse(venue.until), now)}`;
  const whose = venue.cause === null ? "" : ` (${venue.cause})`;
  const what = venue.state === "open" ? `no orders${until}` : "one order as a probe";
  return `${what}${whose}${venue.reason === null ? "" : `: ${venue.reason}`}`;
}

function cycleLine({ last_cycle: cycle }: StatusReply, now: number): string {
  if (cycle === null) return "none yet";
  const at = clockTime(Date.parse(cycle.at), now);
  if (cycle.held_back !== null) return `${cycle.cycle} at ${at}: held back: ${cycle.held_back}`;
  return `${cycle.cycle} at ${at}: ${cycle.positions} positions, ${cycle.candidates} candidates, ${cycle.started} started, ${cycle.skipped} skipped`;
}

/** Foreign words without tricks; the space that lines them up stays. */
function plainEnd(line: string): string {
  return line.slice(0, 11) + plainLine(line.slice(11));
}
