// Compares what was recorded with what is, as JSON would hold both: field by field, and without writing either as text.

/** One field that is not the same. A side that is `undefined` has no such field. */
export interface Difference {
  /** `state`, `path[1]`, `commands[0].order.limit_price`. */
  readonly field: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Whether JSON would write both the same, but for the order of keys. A key that holds `undefined` is not there. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one)) return Array.isArray(other) && isSameList(one, other);
  if (!isKeyed(one) || !isKeyed(other)) return false;
  let keys = 0;
  for (const key in one) {
    if (one[key] === undefined) continue;
    keys += 1;
    if (!isSame(one[key], other[key])) return false;
  }
  for (const key in other) if (other[key] !== undefined) keys -= 1;
  return keys === 0;
}

/** The innermost fields that differ, in the order of `expected`, then those that only `actual` has. */
export function differencesIn(expected: unknown, actual: unknown, field: string): readonly Difference[] {
  if (isSame(expected, actual)) return [];
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const indexes = Array.from({ length: Math.max(expected.length, actual.length) }, (_, index) => index);
    return indexes.flatMap((index) => differencesIn(expected[index], actual[index], `${field}[${index}]`));
  }
  if (!isKeyed(expected) || !isKeyed(actual)) return [{ field, expected, actual }];
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].flatMap((key) => differencesIn(expected[key], actual[key], `${field}.${key}`));
}

/** `isSame` of two lists. */
export function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index += 1) if (!isSame(one[index], other[index])) return false;
  return true;
}

function isKeyed(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
