// A run of chaos in numbers, and whether anything in it is not as it must be.
import { isDeepStrictEqual } from "node:util";
import { compare, subtract } from "../../machines/mod.ts";
import type { Refusal } from "./chaos_proof.ts";
import type { ChaosReport } from "./chaos_run.ts";
import { PASSING_REFUSAL } from "./chaos_story.ts";

/** What is counted, for people and programs. */
export function numbersOf(report: ChaosReport) {
  const { seed, story, kills, lives, messages, incidents, proof, remains, seconds } = report;
  const { results, orders, transitions } = proof;
  return {
    seed,
    symbols: story.symbols.length,
    kills,
    lives,
    unsold_at_last_kill: report.unsoldAtLastKill,
    messages,
    orders_placed: orders.placed,
    failures: outcomesOf(remains).filter((outcome) => outcome.startsWith("stuck")).length,
    refusals: countsOf(proof.refusals),
    journal_records: proof.records,
    results,
    redeliveries: incidents["redelivered"] ?? 0,
    duplicates_dropped: incidents["duplicate"] ?? 0,
    resends: incidents["resent"] ?? 0,
    incidents,
    dead_letters: proof.deadLetters,
    left: report.left,
    orders_acknowledged_but_kept: report.acknowledgedButKept,
    orders_answered_and_forgotten: report.forgotten,
    lost: results.lost + orders.underCounted + transitions.missing.length + countsOf(proof.refusals).lost,
    doubled:
      orders.overCounted + remains.reusedIds.length + proof.openAtOnce.length + transitions.repeated.length,
    seconds,
  };
}

/** A table, and the same as one line of JSON. */
export function printed(report: ChaosReport): string {
  const numbers = numbersOf(report);
  const rows = Object.entries(numbers).flatMap(([name, value]) => rowsOf(name.replaceAll("_", " "), value));
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  const complaints = Object.entries(report.complaints)
    .toSorted(([, a], [, b]) => b - a)
    .map(([text, times]) => `  ${times} × ${text}`);
  return `${[...table, "warnings and errors in the logs:", ...complaints, JSON.stringify(numbers)].join("\n")}\n`;
}

function rowsOf(name: string, value: unknown): readonly [string, string][] {
  if (typeof value !== "object" || value === null) return [[name, String(value)]];
  const inner = Object.entries(value);
  return inner.length === 0 ? [[name, "none"]] : inner.map(([key, one]) => [`${name}, ${key}`, String(one)]);
}

/** What is not as it must be, a sentence each. Nothing, where nothing was lost and nothing was doubled. */
export function verdictOf(report: ChaosReport): readonly string[] {
  const { remains, control, proof, story, endedByThemselves, left } = report;
  const moneyWrong = story.symbols.flatMap((symbol) => {
    const [filled = "none", sold = "none"] = [remains.filled[symbol], remains.sold[symbol]];
    const gone = subtract(remains.initial[symbol] ?? "0", remains.left[symbol] ?? "0");
    const isExact = filled === sold && compare(gone, filled) === 0 && sold === control.sold[symbol];
    const all = `machine ${sold}, exchange ${filled}, balance ${gone}, undisturbed ${control.sold[symbol]}`;
    return isExact ? [] : [`${symbol}, sold: ${all}`];
  });
  const attemptsWrong = story.symbols.flatMap((symbol) => {
    const refusals = proof.refusals.filter((refusal) => refusal.symbol === symbol);
    const [here, there] = [
      remains.outcomes[symbol],
      attemptsHeardOf(control.outcomes[symbol] ?? [], refusals),
    ];
    if (isDeepStrictEqual(here, there)) return [];
    return [`${symbol}, attempts: ${here?.join("; ")}\n  expected: ${there.join("; ")}`];
  });
  const { orders, results, transitions, openAtOnce, placedAfterRefusal } = proof;
  return [
    ...moneyWrong,
    ...attemptsWrong,
    ...endedByThemselves.map((how) => `not killed, and yet: ${how}`),
    ...counted("client order ids with two bodies", remains.reusedIds),
    ...counted("symbols with two orders open at a time", openAtOnce),
    ...counted("orders placed again after their refusal was heard", placedAfterRefusal),
    ...none("orders whose fills the journal does not know", orders.underCounted),
    ...none("orders of which the journal has too much", orders.overCounted),
    ...none("results that are lost", results.lost),
    ...none("refusals that are lost", countsOf(proof.refusals).lost),
    ...none("orders not acknowledged", left.orders),
    ...none("results not acknowledged", left.results),
    ...counted("transitions that observers were not told", transitions.missing),
    ...counted("transitions that observers were told twice", transitions.repeated),
  ];
}

/** The attempts of a symbol as they ended undisturbed, without those that ended with a refusal that died with its gateway:
 * the machine went on with another order, and the exchange, which had said its no, took that one.
 *
 * @param refusals those of the symbol, in order
 */
export function attemptsHeardOf(
  outcomes: readonly string[],
  refusals: readonly Refusal[],
): readonly string[] {
  const ends = refusals.filter(({ code }) => code !== PASSING_REFUSAL);
  let failures = 0;
  return outcomes
    .filter((_, attempt) => ends[attempt]?.heard !== "unheard")
    .map((outcome) => {
      failures = outcome.startsWith("stuck ") ? failures + 1 : 0;
      return outcome.replace(/\d+ failures$/, `${failures} failures`);
    });
}

function countsOf(refusals: readonly Refusal[]): Record<Refusal["heard"], number> {
  const counts = { heard: 0, unheard: 0, lost: 0 };
  for (const { heard } of refusals) counts[heard] += 1;
  return counts;
}

function counted(what: string, found: readonly (string | number)[]): readonly string[] {
  return found.length === 0 ? [] : [`${found.length} ${what}: ${found.slice(0, 10).join(", ")}`];
}

function none(what: string, found: number): readonly string[] {
  return found === 0 ? [] : [`${found} ${what}`];
}

export function outcomesOf({ outcomes }: ChaosReport["remains"]): readonly string[] {
  return Object.values(outcomes).flat();
}
