// Steps as a Mermaid sequence diagram, one at a time: who told the machine what, where that led, and what it asked for.
import type { PurgeEvent } from "../../machines/mod.ts";
import { commandWords, eventWords, type Shown } from "./step_words.ts";

/** The first line of a diagram. */
export const mermaidHead = "sequenceDiagram";

/** Draws the steps of one or several symbols. */
export class MermaidSequence {
  readonly #known = new Map<string, string>();

  /** The lines that a step adds. */
  lines({ event, symbol, path, state, commands }: Shown): readonly string[] {
    const lines: string[] = [];
    const from = this.#participant(sourceOf(event), lines);
    const machine = this.#participant(symbol, lines);
    lines.push(`  ${from}->>${machine}: ${escaped(eventWords(event))}`);
    const way = path.length === 0 ? `${state}, as before` : path.join(", ");
    lines.push(`  Note over ${machine}: ${escaped(way)}`);
    for (const command of commands) {
      const gateway = this.#participant("gateway", lines);
      lines.push(`  ${machine}->>${gateway}: ${escaped(commandWords(command))}`);
    }
    return lines;
  }

  #participant(name: string, lines: string[]): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const id = `p${this.#known.size + 1}`;
    this.#known.set(name, id);
    lines.push(`  participant ${id} as ${escaped(name)}`);
    return id;
  }
}

function sourceOf({ type }: PurgeEvent): string {
  if (type.startsWith("operator.")) return "operator";
  switch (type) {
    case "purge.requested":
    case "position.held":
      return "cycle";
    case "deadline.reached":
      return "clock";
    case "symbol.poisoned":
      return "supervisor";
    case "failure.imported":
      return "import";
    default:
      return "gateway";
  }
}

/** What would end a message, or begin something else, as its number. */
function escaped(text: string): string {
  return text.replace(/[#;<>&"{}%]/g, (sign) => `#${sign.codePointAt(0)};`);
}
