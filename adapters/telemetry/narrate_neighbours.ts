// What other programs and people do, in words: the bus between them, operators, and bots that publish holdings.
import type { BusIncident, Observation } from "../../actors/ports.ts";
import { type LogLine, say } from "./lines.ts";
import { refusalClass } from "./refusal_class.ts";

type Of<Kind extends Observation["kind"]> = Extract<Observation, { readonly kind: Kind }>;

export interface Neighbours {
  bus(observation: Of<"bus">): readonly LogLine[];
  operator(observation: Of<"operator">): readonly LogLine[];
  holdings(observation: Of<"holdings.refused">): readonly LogLine[];
}

/** What happens in any run that is killed, restarted or cut off, and does no harm. */
const HARMLESS: ReadonlySet<BusIncident> = new Set(["redelivered", "duplicate", "resent"]);
/** Of one kind in one period. Whoever floods the bus must not flood the log. */
const MAX_TOLD = 5;
const PERIOD_MS = 60_000;

/** @param now epoch milliseconds, of the run's clock */
export function createNeighbours(now: () => number): Neighbours {
  const share = sparing(now);
  return {
    bus({ what, message }) {
      if (HARMLESS.has(what)) return [say("bus_incident", { what, message }, { what }, "debug")];
      return share(`bus ${what}`, (more) => say("bus_incident", { what, message: message + more }, { what }));
    },
    operator: ({ request, answer }) => [audit(request, answer)],
    holdings({ source, reason }) {
      const fields = { source, reason, class: refusalClass(reason) };
      return share(`holdings ${fields.class}`, (more) =>
        say("holdings_refused", { source, reason: reason + more }, fields),
      );
    },
  };
}

function audit(request: Of<"operator">["request"], answer: Of<"operator">["answer"]): LogLine {
  const { by, action, symbol, reason } = request;
  const words = { by, action, symbol, reason };
  if (!answer.ok) {
    const { code, message } = answer;
    return say("operator_refused", { ...words, code, message }, { ...words, ok: false, code, message });
  }
  const { changed, seq, state } = answer;
  const record = seq === null ? "" : `, record ${seq}`;
  const outcome = changed ? `done, now ${state}${record}` : `nothing to change, it is ${state}`;
  return say("operator_answered", { ...words, outcome }, { ...words, ok: true, changed, seq, state });
}

/** Lets through the first few of each kind in a period; `more` tells the reader when there may be others. */
function sparing(now: () => number): (kind: string, line: (more: string) => LogLine) => readonly LogLine[] {
  const periods = new Map<string, { readonly since: number; told: number }>();
  return (kind, line) => {
    const known = periods.get(kind);
    const isNew = known === undefined || now() - known.since >= PERIOD_MS;
    const period = isNew ? { since: now(), told: 0 } : known;
    if (isNew) periods.set(kind, period);
    period.told += 1;
    if (period.told > MAX_TOLD) return [];
    return [line(period.told === MAX_TOLD ? " (more of this kind within the minute are only counted)" : "")];
  };
}
