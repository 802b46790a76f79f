// What `replay` was asked for, from its flags.
import type { ReplayCommand } from "./command.ts";
import { type FlagProblems, symbolOf } from "./flag_values.ts";
import { momentOf } from "./moment.ts";
import type { Given } from "./program_help.ts";

interface Reader {
  readonly problems: FlagProblems;
  /** Makes a file's name absolute. */
  readonly path: (flag: string, value: string) => string;
}

const SHOWS = ["json", "mermaid", "quiet"] as const;
const STATE = /^[a-z]{1,40}(\.[a-z]{1,40}){0,3}$/;

/** @param file absolute, or `-` */
export function replayCommand(options: Given["options"], file: string, reader: Reader): ReplayCommand {
  const { problems } = reader;
  const text = (name: string): string | null => {
    const value = options[name];
    return typeof value === "string" ? value : null;
  };
  const [symbol, until, whatIf] = [text("symbol"), text("until"), text("whatIf")];
  const shrink = shrinkOf(options["shrink"] === true, text("shrinkTo"), problems);
  if (shrink !== null && whatIf !== null)
    problems.conflict("--what-if", "--shrink", "ask different things", "ask one after the other");
  if (whatIf !== null && options["mermaid"] === true)
    problems.conflict("--what-if", "--mermaid", "it draws no picture", "leave one out");
  if (whatIf !== null && options["context"] === true)
    problems.conflict("--what-if", "--context", "it compares no memories", "leave one out");
  if (shrink !== null && file === "-")
    problems.add(shrink.to === "state" ? "--shrink-to" : "--shrink", "-", "a FILE, which is read twice");
  return {
    kind: "replay",
    file,
    show: showOf(options, problems),
    symbol: symbol === null ? null : symbolOf("--symbol", symbol, problems),
    until: until === null ? null : momentOf("--until", until, problems),
    context: options["context"] === true,
    whatIfFile: whatIf === null ? null : reader.path("--what-if", whatIf),
    shrink,
  };
}

function showOf(options: Given["options"], problems: FlagProblems): ReplayCommand["show"] {
  const [one, other] = SHOWS.filter((show) => options[show] === true);
  if (one !== undefined && other !== undefined)
    problems.conflict(`--${one}`, `--${other}`, "are two ways to show it", "keep one of them");
  if (one === "quiet") return "nothing";
  return one ?? "table";
}

function shrinkOf(diverges: boolean, state: string | null, problems: FlagProblems): ReplayCommand["shrink"] {
  if (state === null) return diverges ? { to: "divergence" } : null;
  if (diverges) problems.conflict("--shrink", "--shrink-to", "are two goals", "keep one of them");
  if (!STATE.test(state)) problems.add("--shrink-to", state, "a state such as backoff or backoff.waiting");
  return { to: "state", state };
}
