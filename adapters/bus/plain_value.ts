// Makes sure that a value is what both encodings can carry: JSON's types, not too deep, in valid Unicode.

export type PlainResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

/** Checks a value that JSON gave, or that is about to be encoded.
 *
 * Text with lone surrogates is repaired with U+FFFD, for it may be an exchange's own words, and no result is to be lost
 * over one character. A field that is undefined is left out. Returns the value itself when nothing had to be repaired.
 */
export function plainValue(value: unknown, maxDepth: number): PlainResult {
  try {
    return { ok: true, value: repair(value, maxDepth) };
  } catch (error) {
    if (error instanceof NotPlain) return { ok: false, reason: error.message };
    throw error;
  }
}

class NotPlain extends Error {}

/** @throws NotPlain */
function repair(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.isWellFormed() ? value : value.toWellFormed();
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new NotPlain(`the number ${value}`);
  }
  if (typeof value !== "object") throw new NotPlain(`a value of type ${typeof value}`);
  if (depth === 0) throw new NotPlain("nested too deep");
  return Array.isArray(value) ? repairArray(value, depth - 1) : repairObject(value, depth - 1);
}

function repairArray(values: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | null = null;
  for (const [index, value] of values.entries()) {
    const repaired = repair(value, depth);
    if (repaired !== value) {
      copy ??= [...values];
      copy[index] = repaired;
    }
  }
  return copy ?? values;
}

function repairObject(object: object, depth: number): object {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null)
    throw new NotPlain("an object that is not a plain one");
  let changed = false;
  const entries: [string, unknown][] = [];
  for (const [key, value] of Object.entries(object)) {
    if (key === "__proto__") throw new NotPlain("a key named __proto__");
    const wellFormed = key.isWellFormed() ? key : key.toWellFormed();
    const repaired = value === undefined ? undefined : repair(value, depth);
    changed ||= value === undefined || repaired !== value || wellFormed !== key;
    if (repaired !== undefined) entries.push([wellFormed, repaired]);
  }
  return changed ? Object.fromEntries(entries) : object;
}
