// Spans of time as people write and read them: "1 h 30 min" in, "59 min 30 s" out.

/** Milliseconds, or words such as `"45 s"`, `"90min"`, `"1 h 30 min"`, `"2 days"`. */
export type Duration = number | string;

const UNITS: ReadonlyMap<string, number> = new Map([
  ...["ms"].map((unit) => [unit, 1] as const),
  ...["s", "sec", "second", "seconds"].map((unit) => [unit, 1_000] as const),
  ...["m", "min", "minute", "minutes"].map((unit) => [unit, 60_000] as const),
  ...["h", "hour", "hours"].map((unit) => [unit, 3_600_000] as const),
  ...["d", "day", "days"].map((unit) => [unit, 86_400_000] as const),
]);
const PART = /\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*/y;

/** A duration in whole milliseconds.
 *
 * @throws RangeError when it is negative, not finite, or not of the form number, unit, number, unit …
 */
export function milliseconds(duration: Duration): number {
  const ms = typeof duration === "number" ? duration : parsed(duration);
  if (Number.isFinite(ms) && ms >= 0) return Math.round(ms);
  throw new RangeError(
    `${JSON.stringify(duration)} is not a duration; write milliseconds, or words such as "45 s", "1 h 30 min"`,
  );
}

/** Milliseconds in words, exactly: `3600050` is `1 h 50 ms`. */
export function inWords(ms: number): string {
  let left = ms;
  const words: string[] = [];
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ] as const) {
    const count = Math.floor(left / size);
    if (count > 0) words.push(`${count} ${unit}`);
    left -= count * size;
  }
  return words.join(" ") || "0 ms";
}

function parsed(text: string): number {
  let sum = Number.NaN;
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const [, count = "", unit = ""] = PART.exec(text) ?? [];
    const size = UNITS.get(unit);
    if (size === undefined) return Number.NaN;
    sum = (Number.isNaN(sum) ? 0 : sum) + Number(count) * size;
  }
  return sum;
}
