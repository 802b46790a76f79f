// What a ledger says, for `purgatory status`: as text with every failure told in full, or as one JSON document.
import { styleText } from "node:util";
import type { SymbolStatus } from "../../actors/ports.ts";
import { adviceFor, lookUp, type Rejection, type Timestamp } from "../../machines/mod.ts";
import { describeGrants, type Grants, grantsDocument } from "./grants.ts";
import type { Mode } from "./ledger_paths.ts";
import { renderTable, type TableOptions } from "./table.ts";
import { plainLine } from "./terminal_text.ts";
import { clockTime, remaining } from "./times.ts";

export interface StatusInput {
  readonly mode: Mode;
  /** The ledger's directory. */
  readonly dir: string;
  /** The process that writes there; null when none does. */
  readonly lockedBy: number | null;
  /** The time of the last record; null for an empty ledger. */
  readonly lastAt: Timestamp | null;
  readonly statuses: readonly SymbolStatus[];
  /** Those of the process that writes; null when none does, or it is not known. */
  readonly grants: Grants | null;
  /** Address of the bus of the process that writes; null when it is in that process, or nothing is known of it. */
  readonly bus: string | null;
  /** Epoch milliseconds, on the ledger's own clock. */
  readonly now: number;
}

/** For people, as lines: who writes, the table, then each failure with all that the exchange said and what to do. */
export function statusLines(input: StatusInput, options: TableOptions): readonly string[] {
  const { statuses, grants, bus, now } = input;
  return [
    headline(input),
    ...(bus === null ? [] : [`  bus:     ${plainLine(bus)}`]),
    ...(grants === null ? [] : describeGrants(grants).map((line) => `  ${line}`)),
    ...symbolLines(statuses, now, options),
  ];
}

/** The table, then each symbol with failures in full. */
export function symbolLines(
  statuses: readonly SymbolStatus[],
  now: number,
  options: TableOptions,
): readonly string[] {
  const bold = (text: string): string =>
    options.colour === true ? styleText("bold", text, { validateStream: false }) : text;
  const troubled = statuses.filter(isTroubled).toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1));
  return [
    "",
    ...renderTable(statuses, now, options),
    ...troubled.flatMap((status) => ["", bold(trouble(status, now)), ...details(status, options.redact)]),
  ];
}

/** For programs: plain data with `snake_case` names.
 *
 * @param redact takes secrets out of an exchange's words
 */
export function statusDocument(
  input: StatusInput,
  redact: (text: string) => string = (text) => text,
): unknown {
  const { mode, dir, lockedBy, lastAt, statuses, grants, bus, now } = input;
  return {
    source: "ledger",
    at: new Date(now).toISOString(),
    mode,
    ledger: dir,
    running: lockedBy !== null,
    pid: lockedBy,
    last_record_at: lastAt,
    bus,
    grants: grants === null ? null : grantsDocument(grants),
    symbols: symbolDocuments(statuses, redact),
  };
}

/** Symbols in alphabetical order. */
export function symbolDocuments(
  statuses: readonly SymbolStatus[],
  redact: (text: string) => string,
): readonly unknown[] {
  return statuses
    .toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))
    .map((status) => ({
      symbol: status.symbol,
      state: status.state,
      failures: status.failures,
      attempts: status.attempts,
      last_rejection: cleaned(status.lastRejection, redact),
      last_error: status.lastError === null ? null : redact(status.lastError),
      advice: adviceOn(status),
      next_try_at: status.nextTryAt,
      sold_size: status.soldSize,
      sold_value_usd: status.soldValueUsd,
      residual_usd: status.residualUsd,
      updated_at: status.updatedAt,
    }));
}

const FAULTS: Readonly<Record<Rejection["class"], string>> = {
  symbol: "the symbol's fault",
  requote: "a matter of price",
  venue: "the exchange's fault",
  account: "the account's fault",
  transport: "the network's fault",
};

function headline({ mode, dir, lockedBy, lastAt }: StatusInput): string {
  const who = lockedBy === null ? "stopped" : `running, pid ${lockedBy}`;
  const last = lastAt === null ? "empty" : `last record ${lastAt.slice(0, 19).replace("T", " ")}Z`;
  return `${mode} ledger ${dir}: ${who}; ${last}`;
}

/** Whether there is more to say of it than fits the table. */
export function isTroubled({
  failures,
  lastRejection,
  state,
}: Pick<SymbolStatus, "failures" | "lastRejection" | "state">): boolean {
  return failures > 0 || lastRejection !== null || state === "suspended";
}

function trouble({ symbol, state, failures, nextTryAt }: SymbolStatus, now: number): string {
  const count = failures === 0 ? "no failures" : `${failures} failure${failures === 1 ? "" : "s"} in a row`;
  const at = nextTryAt === null ? null : Date.parse(nextTryAt);
  if (state === "suspended") return `${symbol}: ${count}, suspended until an operator resumes it`;
  if (state === "failed") return `${symbol}: ${count}, next try in the next cycle`;
  if (at === null || !state.startsWith("backoff")) return `${symbol}: ${count}, now ${state}`;
  const wait = at <= now ? "due since" : `next try in ${remaining(at - now)}, at`;
  return `${symbol}: ${count}, ${wait} ${clockTime(at, now)}`;
}

function details(status: SymbolStatus, redact: (text: string) => string = (text) => text): readonly string[] {
  const { lastRejection: rejection, lastError } = status;
  const parts: readonly (readonly [string, string | null])[] =
    rejection === null
      ? [["error", lastError]]
      : [
          [
            "code",
            `${rejection.code}, ${FAULTS[rejection.class]}${rejection.classified ? "" : " as far as known"}`,
          ],
          ["message", rejection.message],
          ["details", rejection.details],
          ["preview", rejection.preview_failure],
          ["response", rejection.raw_response],
        ];
  return [...parts, ["advice", adviceOn(status)] as const].flatMap(([name, text]) =>
    text === null || text === "" ? [] : [`  ${name.padEnd(8)}  ${plainLine(redact(text))}`],
  );
}

/** By the code of the rejection, or by the code that an own error begins with. */
function adviceOn({ lastRejection, lastError, failures }: SymbolStatus): string | null {
  if (lastRejection !== null) return adviceFor(lastRejection.code);
  const code = failures === 0 ? undefined : /^([A-Z][A-Z0-9_]*): /.exec(lastError ?? "")?.[1];
  return code === undefined || lookUp(code) === undefined ? null : adviceFor(code);
}

function cleaned(rejection: Rejection | null, redact: (text: string) => string): Rejection | null {
  if (rejection === null) return null;
  const orNull = (text: string | null): string | null => (text === null ? null : redact(text));
  return {
    ...rejection,
    message: redact(rejection.message),
    details: orNull(rejection.details),
    preview_failure: orNull(rejection.preview_failure),
    raw_response: orNull(rejection.raw_response),
  };
}
