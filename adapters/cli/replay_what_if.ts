// `purgatory replay --what-if policy.yaml`: the same events, another policy, and what would have been different.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import {
  formatProblems,
  type PolicyConfig,
  parseConfig,
  readConfigFiles,
  shippedConfigDir,
} from "../../config/mod.ts";
import { createWhatIf, formatDivergence, type WhatIf } from "../../machines/mod.ts";
import type { ReadRecord } from "../recording/mod.ts";
import { type Answer, failed } from "./answer.ts";
import type { ReplayCommand } from "./command.ts";
import type { LineOutput } from "./line_output.ts";
import { endOf, type ReadingInput, readRecording } from "./replay_reading.ts";

export async function replayWhatIf(
  command: ReplayCommand,
  policyFile: string,
  input: ReadingInput,
  output: LineOutput,
): Promise<Answer> {
  const policy = readPolicy(policyFile);
  if (typeof policy === "string") return failed(policy);
  const whatIf = createWhatIf(policy);
  const { symbol } = command;
  const reading = await readRecording(
    command,
    {
      take(record: ReadRecord) {
        // The last one of each symbol is kept, to the end.
        if (symbol === null || record.symbol === symbol) whatIf.take(record.detached());
        return "more";
      },
      // What a lost line did to its symbol shows as a difference.
      lose() {},
      pause: async () => true,
    },
    input,
  );
  const ends = whatIf.ends();
  const lines =
    command.show === "json"
      ? ends.map((end) => JSON.stringify(end))
      : [...ends.flatMap(told), ...(ends.length === 0 ? [] : [summary(ends, basename(policyFile))])];
  for (const line of lines) output.line(line);
  return output.end(endOf(reading, ends.length, symbol));
}

function told(end: WhatIf): readonly string[] {
  const { symbol, first, recorded, instead, trouble, given, unheard } = end;
  if (first === null && trouble === null) return [];
  const place = (what: WhatIf["recorded"]): string =>
    `${what.state}, ${what.failures} failures, ${what.attempts} attempts, sold ${what.sold_size} for $${what.sold_value}`;
  return [
    ...(first === null ? [`${symbol} cannot be told`] : [formatDivergence(first)]),
    `  was at the end     ${place(recorded)}`,
    `  would have been    ${instead === null ? (trouble ?? "unknown") : place(instead)}`,
    ...(given === 0 ? [] : [`  ${unheard} of the ${given} events after that would have meant nothing`]),
    "",
  ];
}

function summary(ends: readonly WhatIf[], file: string): string {
  const changed = ends.filter(({ first }) => first !== null).length;
  const untold = ends.filter(({ trouble }) => trouble !== null).length;
  const rest = untold === 0 ? "" : `; of ${untold} nobody can tell`;
  return `Under ${file}, ${changed} of ${ends.length} symbols would have gone another way${rest}.`;
}

/** The policy that attempts would run under; a text that says what is wrong with the file. */
function readPolicy(file: string): PolicyConfig | string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return `--what-if: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { files, secrets } = readConfigFiles(shippedConfigDir);
  const parsed = parseConfig({ files: { ...files, "policy.yaml": { status: "text", text } }, secrets }, {});
  if (parsed.ok) return parsed.config.policy;
  const named = parsed.problems.map((problem) =>
    problem.file === "policy.yaml" ? { ...problem, file } : problem,
  );
  return formatProblems(named);
}
