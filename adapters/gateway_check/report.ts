// A report for people, and for programs.
import type { ClauseReport, Report } from "./check_gateway.ts";
import type { Outcome } from "./stage.ts";

const WORDS: { readonly [O in Outcome]: string } = { pass: "pass", fail: "FAIL", not_shown: "none" };
const LINES_MAX = 12;

/** One line for a clause; more where it did not pass. */
export function formatClause(clause: ClauseReport): string {
  const { id, sentence, outcome, expected, because, sent, got } = clause;
  const line = `${WORDS[outcome]}  ${id.padEnd(22)} ${sentence}`;
  if (outcome === "pass") return line;
  const more = outcome === "fail" ? [...block("sent", sent), ...block("got", got)] : [];
  return [line, ...block("expected", [expected]), ...block("because", [because ?? ""]), ...more].join("\n");
}

/** The last lines: how many clauses passed, and what is to be known besides. */
export function formatSummary({ clauses, modes, durationMs, notes, ok }: Report): string {
  const count = (outcome: Outcome): number => clauses.filter((clause) => clause.outcome === outcome).length;
  const mode =
    modes.length === 0 ? "a gateway that does not say its mode" : `a gateway in mode ${modes.join(" and ")}`;
  const verdict = ok ? "No clause failed" : "This gateway breaks the protocol";
  const counts = `${count("pass")} passed, ${count("fail")} failed, ${count("not_shown")} not shown`;
  return [`${verdict}: ${counts}, against ${mode}, in ${(durationMs / 1_000).toFixed(1)} s.`, ...notes].join(
    "\n",
  );
}

/** Everything, ending with a line break. */
export function formatReport(report: Report): string {
  return `${[...report.clauses.map(formatClause), "", formatSummary(report)].join("\n")}\n`;
}

/** The report as it is printed with `--json`. */
export function reportDocument({ startedAt, durationMs, messagesHeard, ...report }: Report): object {
  const { ok, modes, clauses, notes } = report;
  return {
    kind: "gateway_check",
    ok,
    started_at: new Date(startedAt).toISOString(),
    duration_ms: durationMs,
    modes,
    messages_heard: messagesHeard,
    clauses,
    notes,
  };
}

function block(title: string, lines: readonly string[]): readonly string[] {
  const all = lines.flatMap((line) => line.split("\n"));
  const shown = all.length === 0 ? ["nothing"] : all.slice(0, LINES_MAX);
  const rest = all.length > LINES_MAX ? [`… ${all.length - LINES_MAX} more`] : [];
  return [...shown, ...rest].map((line, n) => `      ${(n === 0 ? title : "").padEnd(9)} ${line}`);
}
