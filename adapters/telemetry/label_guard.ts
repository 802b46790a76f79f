// Keeps label values from outside within bounds: each new value is a time series that the process and Prometheus carry for
// ever.

/** What stands for every value beyond the bound. */
export const OTHER = "OTHER";
const MAX_CHARS = 64;

/** A function that makes text from outside fit for a label.
 *
 * Characters other than letters, digits and `_.:/-` become `_`, the text is cut at 64 characters, and after `most`
 * different values every new one is `OTHER`.
 */
export function labelGuard(most: number): (text: string) => string {
  const seen = new Set<string>();
  return (text) => {
    const label = text.slice(0, MAX_CHARS).replace(/[^\w.:/-]/g, "_") || "_";
    if (seen.has(label)) return label;
    if (seen.size >= most) return OTHER;
    seen.add(label);
    return label;
  };
}
