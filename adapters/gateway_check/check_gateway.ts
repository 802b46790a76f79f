// Plays a supervisor against whatever gateway is on the bus, clause by clause, and says what each showed.
import type { NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../../actors/ports.ts";
import { CHECK_SYMBOLS, type CheckSymbols } from "./check_symbols.ts";
import { MALFORMED_CLAUSES } from "./clauses_malformed.ts";
import { MESSAGE_CLAUSES } from "./clauses_messages.ts";
import { ORDER_CLAUSES } from "./clauses_orders.ts";
import { QUESTION_CLAUSES } from "./clauses_questions.ts";
import { REPEAT_CLAUSES } from "./clauses_repeats.ts";
import { natsLink } from "./nats_link.ts";
import type { OrdersAndResults } from "./orders_and_results.ts";
import { headerOf, show } from "./reading.ts";
import { type Clause, Ear, type Finding, notShown, type Outcome, Stage } from "./stage.ts";

/** One clause, and all that is needed to see why it ended so. */
export interface ClauseReport {
  readonly id: string;
  readonly sentence: string;
  readonly outcome: Outcome;
  readonly expected: string;
  /** What was wrong, or why nothing was shown; null where all was well. */
  readonly because: string | null;
  /** Messages, one a line. */
  readonly sent: readonly string[];
  readonly got: readonly string[];
}

export interface Report {
  /** No clause failed. */
  readonly ok: boolean;
  readonly startedAt: number;
  readonly durationMs: number;
  /** What the gateway says that it trades with: `paper`, `live`; none where it does not say. */
  readonly modes: readonly string[];
  readonly messagesHeard: number;
  readonly clauses: readonly ClauseReport[];
  /** What the check could not put back as it was. */
  readonly notes: readonly string[];
}

export type Progress =
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "clause"; readonly clause: ClauseReport; readonly number: number; readonly of: number };

export interface RunOptions {
  /** How long the gateway may take for one answer. Default 15,000. */
  readonly timeoutMs?: number;
  /** Ids of clauses, or their first part, such as `malformed`. Empty or left out: all. */
  readonly only?: readonly string[];
  readonly symbols?: CheckSymbols;
  readonly observe?: (progress: Progress) => void;
  readonly now?: () => number;
}

export interface CheckOptions extends RunOptions {
  /** Of a user who may do what a supervisor does. Left open. */
  readonly connection: NatsConnection;
}

/** Every clause, in the order in which they are tried. */
export const CLAUSES: readonly Clause[] = [
  ...QUESTION_CLAUSES,
  ...ORDER_CLAUSES,
  ...REPEAT_CLAUSES,
  ...MALFORMED_CLAUSES,
  ...MESSAGE_CLAUSES,
];

/** Tries the clauses against the gateway on this bus.
 *
 * @throws BusError `refused` while a supervisor is on the bus, when the streams are not there, or when `only` names no
 * clause; `disconnected` when the connection is lost.
 */
export async function checkGateway({ connection, ...options }: CheckOptions): Promise<Report> {
  const link = await natsLink(connection);
  try {
    return await runClauses(link, options);
  } finally {
    await link.close();
  }
}

const TIMEOUT_MS = 15_000;

/** The same over any link. Does not look whether a supervisor is there. */
export async function runClauses(link: OrdersAndResults, options: RunOptions = {}): Promise<Report> {
  const { timeoutMs = TIMEOUT_MS, symbols = CHECK_SYMBOLS, observe = () => {}, now = Date.now } = options;
  const chosen = chooseClauses(options.only ?? []);
  const startedAt = now();
  observe({ kind: "warning", message: warning(symbols) });
  const ear = new Ear(now);
  const cancel = await link.listen((message) => ear.hear(message));
  const clauses: ClauseReport[] = [];
  let isToldLive = false;
  try {
    for (const [index, clause] of chosen.entries()) {
      const isSilent = index > 0 && ear.heard.length === 0;
      const report = await tryClause(clause, new Stage({ link, symbols, timeoutMs, now }, ear), isSilent);
      clauses.push(report);
      observe({ kind: "clause", clause: report, number: index + 1, of: chosen.length });
      if (!isToldLive && modesIn(ear).includes("live")) {
        isToldLive = true;
        observe({ kind: "warning", message: LIVE });
      }
    }
  } finally {
    cancel();
  }
  const left = await link.tidy([...new Set(ear.heard.map(({ message }) => message.subject))]);
  return {
    ok: clauses.every(({ outcome }) => outcome !== "fail"),
    startedAt,
    durationMs: now() - startedAt,
    modes: modesIn(ear),
    messagesHeard: ear.heard.length,
    clauses,
    notes: left === null ? [] : [left],
  };
}

/** The clauses that `only` names, in their own order; all where it names none.
 *
 * @throws BusError `refused` when a name is that of no clause, so that a typing error does not pass for a success
 */
export function chooseClauses(only: readonly string[]): readonly Clause[] {
  if (only.length === 0) return CLAUSES;
  const isNamed = (name: string, { id }: Clause): boolean => id === name || id.startsWith(`${name}.`);
  const wrong = only.filter((name) => !CLAUSES.some((clause) => isNamed(name, clause)));
  if (wrong.length > 0) {
    const groups = [...new Set(CLAUSES.map(({ id }) => id.split(".", 1).join()))].join(", ");
    const message = `there is no clause ${wrong.join(", ")}; expected an id such as order.partial, or a group: ${groups}`;
    throw new BusError({ reason: "refused", message });
  }
  return CLAUSES.filter((clause) => only.some((name) => isNamed(name, clause)));
}

/** What everybody has to know before they let this loose. */
export function warning(symbols: CheckSymbols): string {
  const { accept, reject, partial, race, take } = symbols;
  return (
    `gateway-check places REAL ORDERS, small ones, to sell ${[accept, reject, partial, race, take].join(", ")} ` +
    "at whatever exchange the gateway is connected to, and cancels what rests"
  );
}

const LIVE = "the gateway says that it is LIVE: what this check sells is sold";

/** The modes that a gateway says it is in. */
function modesIn({ heard }: Ear): readonly string[] {
  return [...new Set(heard.flatMap(({ message }) => headerOf(message, "Purge-Mode") ?? []))];
}

async function tryClause(clause: Clause, stage: Stage, isSilent: boolean): Promise<ClauseReport> {
  const finding: Finding = isSilent
    ? notShown("an answer", "the gateway has not said anything so far")
    : await clause.check(stage);
  if (!isSilent) await stage.cleanUp();
  const { id, sentence } = clause;
  const got = stage.heard.map(({ message }) => show(message));
  return { id, sentence, ...finding, sent: stage.sent, got };
}
