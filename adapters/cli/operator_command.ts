// `purgatory purge`, `pause`, `resume`, `reset`, `ban` and `abort`: an operator's word to the supervisor on the bus.
import { join } from "node:path";
import { Option, Schema } from "effect";
import type { OperatorAction, OperatorAnswer, OperatorRefusal } from "../../actors/ports.ts";
import { TradingSymbol } from "../../machines/mod.ts";
import type { StatusReply } from "../control/mod.ts";
import { redactText } from "../telemetry/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import { findBus } from "./bus_access.ts";
import type { OperatorCommand } from "./command.ts";
import { controlOver, type OpenControl } from "./control_access.ts";
import { EXIT } from "./exit_codes.ts";
import { isThereOrHidden } from "./is_there.ts";
import { natsServerDir } from "./ledger_paths.ts";
import { plainLine } from "./terminal_text.ts";

/** Finds the supervisor, asks it, and tells what came of it. */
export async function operate(command: OperatorCommand): Promise<Answer> {
  const access = await findBus(command, { env: process.env, stateDir: command.stateDir });
  switch (access.kind) {
    case "server":
      return operateOver(command, controlOver(access, `purgatory ${command.action}`));
    case "wrong":
      return failed(access.message);
    default:
      return noBus(command);
  }
}

function noBus({ action, stateDir }: OperatorCommand): Answer {
  const server = natsServerDir(stateDir);
  if (isThereOrHidden(join(server, "server.json")))
    return failed(
      `the NATS server in ${server} does not run, and so nobody can be asked: start purgatory run --nats spawn`,
    );
  const advice = "give --nats, or nats.url in app.yaml; a run --nats spawn is found by its --state";
  return failed(`${action} is asked over the bus, and no bus is named: ${advice}`, EXIT.usage);
}

/** The same with the way to the supervisor already known. */
export async function operateOver(command: OperatorCommand, control: OpenControl): Promise<Answer> {
  const { action, by, reason, mode, json } = command;
  const symbol = Option.getOrNull(Schema.decodeUnknownOption(TradingSymbol)(command.symbol));
  if (symbol === null) return failed(`${command.symbol} is no symbol`, EXIT.usage);
  const asked = await control(async (client): Promise<Spoken> => {
    const supervisor = await client.status();
    // Whoever forgets --mode live must not sell on a live account.
    if (supervisor.mode !== mode) return { supervisor, answer: null };
    return { supervisor, answer: await client.act({ action, symbol, by, reason }) };
  });
  if (!asked.ok) return told(command, { ok: false, code: asked.code, message: asked.message }, EXIT.failed);
  const { supervisor, answer } = asked.value;
  if (answer === null) {
    const message = `the supervisor there works in ${supervisor.mode} mode (process ${supervisor.pid} on ${supervisor.host}), and --mode is ${mode}`;
    const advice = `say --mode ${supervisor.mode} if that is the one you mean`;
    return told(command, { ok: false, code: "other_mode", message, advice }, EXIT.refused);
  }
  if (!answer.ok) return told(command, { ...answer, advice: ADVICE[answer.code] }, EXIT.refused);
  const was = supervisor.symbols.find((each) => each.symbol === symbol)?.state ?? null;
  if (json) return done(JSON.stringify({ ...document(command, supervisor), was, ...answer }));
  return done(sentence(command, answer, was));
}

interface Spoken {
  readonly supervisor: StatusReply;
  /** Null when it was asked for nothing. */
  readonly answer: OperatorAnswer | null;
}

/** What became of the symbol. */
const OUTCOMES: Readonly<Record<OperatorAction, string>> = {
  purge: "is being sold",
  pause: "paused",
  resume: "resumed",
  reset: "reset",
  ban: "banned",
  abort: "aborted",
};

const ADVICE: Readonly<Record<OperatorRefusal, string>> = {
  unknown_symbol: "purgatory status lists the symbols of the ledger",
  not_held: "nothing of it can be sold; see the positions at the exchange",
  busy: "wait for the attempt to end, or abort it",
  in_backoff: "wait, or purgatory reset it first",
  suspended: "resume ends a pause, reset lifts a ban",
  limit: "try again in the next cycle, or raise max_liquidations_per_cycle",
  venue: "purgatory status tells until when",
  dry_run: "nothing is sold in dry-run mode",
  protected: "if it is to go, take it out of its tier or of the protected currencies in universe.yaml",
  not_ready: "try again in a moment; the supervisor's log says what it waits for",
  not_applicable: "purgatory status shows its state",
};

function sentence(
  { action, symbol }: OperatorCommand,
  { changed, seq, state }: Extract<OperatorAnswer, { ok: true }>,
  was: string | null,
): string {
  if (!changed) return `${symbol}: nothing to change, it is ${state} already`;
  const before = was === null ? "new to the ledger" : `was ${was}`;
  const record = seq === null ? "" : `, journal record ${seq}`;
  return `${symbol} ${OUTCOMES[action]} (${before}): now ${state}${record}`;
}

interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
  readonly advice?: string;
}

/** People read standard error; a program that asked for JSON gets its document. */
function told(
  command: OperatorCommand,
  refusal: Refusal,
  exitCode: typeof EXIT.failed | typeof EXIT.refused,
): Answer {
  const message = plainLine(redactText(refusal.message));
  if (command.json)
    return {
      exitCode,
      text: JSON.stringify({ ...document(command, null), ...refusal, message }),
      errors: "",
    };
  const advice = refusal.advice === undefined ? [] : [refusal.advice];
  const about = message.startsWith(command.symbol) ? "" : `${command.symbol}: `;
  return failed([`${about}${refusal.code}: ${message}`, ...advice].join("\n"), exitCode);
}

function document({ action, symbol, by, reason }: OperatorCommand, supervisor: StatusReply | null): object {
  const asked = { action, symbol, by, reason };
  if (supervisor === null) return asked;
  const { mode, ledger_id, version, pid, host } = supervisor;
  return { ...asked, supervisor: { mode, ledger_id, version, pid, host } };
}
