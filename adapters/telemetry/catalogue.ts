// The tables of docs/telemetry.md, written from the code that they describe.
import { LINES } from "./line_table.ts";
import { METRICS } from "./metric_table.ts";

/** The page with its tables made anew: each stands between `<!-- generated: … -->` and `<!-- end -->`.
 *
 * @throws Error when one of the two places is missing
 */
export function withTables(page: string): string {
  const tables = { lines: linesTable(), metrics: metricsTable() };
  return Object.entries(tables).reduce((text, [name, table]) => {
    const [start, end] = [`<!-- generated: ${name} -->`, "<!-- end -->"];
    const from = text.indexOf(start);
    const to = text.indexOf(end, from);
    if (from < 0 || to < 0) throw new Error(`the page has no place for ${name}: ${start} … ${end}`);
    return `${text.slice(0, from)}${start}\n\n${table}\n\n${text.slice(to)}`;
  }, page);
}

function linesTable(): string {
  const rows = Object.entries(LINES).map(([id, { level, shape, meaning }]) => [
    code(id),
    level,
    code(shape),
    meaning,
  ]);
  return table(["`line`", "level", "`msg`", "meaning"], rows);
}

function metricsTable(): string {
  const rows = Object.values(METRICS).map(({ name, type, labels, help }) => [
    code(name),
    type,
    labels.map(code).join(", "),
    help,
  ]);
  return table(["metric", "type", "labels", "meaning"], rows);
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  // A bare `|` would end its cell, in code as well.
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
