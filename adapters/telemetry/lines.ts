// A line of the log, made from the table of all lines.
import { type Level, type LineId, LINES } from "./line_table.ts";
import { oneLine } from "./text.ts";

export interface LogLine {
  readonly level: Level;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Placeholders<S extends string> = S extends `${string}<${infer Name}>${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type Values<Id extends LineId> = Readonly<Record<Placeholders<(typeof LINES)[Id]["shape"]>, string | number>>;

/** One line of the table with its blanks filled.
 *
 * @param level stands in for the table's level where the same line may matter more or less
 */
export function say<Id extends LineId>(
  id: Id,
  values: Values<Id>,
  fields: Readonly<Record<string, unknown>> = {},
  level: Level = LINES[id].level,
): LogLine {
  const blanks: Readonly<Record<string, string | number>> = values;
  const msg = LINES[id].shape.replace(/<(\w+)>/g, (_, name: string) => oneLine(String(blanks[name] ?? "")));
  return { level, msg, fields: { line: id, ...fields } };
}
