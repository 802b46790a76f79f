// Secrets never reach a log, however deep they sit: by the name of their key, or by what they look like.

export const REDACTED = "[redacted]";

/** How far a value is followed. */
interface Limits {
  readonly depth: number;
  readonly items: number;
}
/** Deeper and longer than anything that is logged on purpose. */
const FIELD_LIMITS: Limits = { depth: 8, items: 100 };
/** A body is kept whole; its length is bounded where it came in. */
const BODY_LIMITS: Limits = { depth: 64, items: Number.POSITIVE_INFINITY };

/** Names that hold secrets, alone or at the end of a longer one (`client_secret`, `x-api-key`, `natsToken`). */
const NAMES =
  "authorization|api[_-]?key|access[_-]?key|access[_-]?sign|private[_-]?key|secret|password|passwd|passphrase|token|jwt|credentials?|creds|nkey|nkey[_-]?seed|cookie";
const SECRET_KEY = new RegExp(`(?:${NAMES})$`, "i");

/** What gives a secret away wherever it stands: PEM blocks, JSON web tokens, nkey seeds, headers, user and password in
 * an address. */
const SHAPES: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z0-9 ]{1,40}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g, REDACTED],
  [/\beyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?/g, REDACTED],
  [/\bS[ACNOUX][A-Z2-7]{56}\b/g, REDACTED],
  [/\b(authorization\s{0,4}[:=]\s{0,4})(?:\w{1,20}\s+)?[^\s"'\\,;]+/gi, `$1${REDACTED}`],
  [/\b(Bearer)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"']{1,500}@/gi, `$1${REDACTED}@`],
];

/** `"token": "…"` in text that is not whole JSON, such as a body that was cut off. In JSON quoted within JSON the quotes
 * carry backslashes; a value ends at a quote that carries as many as the one that opened it. */
const MEMBER = new RegExp(
  `((?<key>\\\\{0,7}")[\\w.-]{0,40}(?:${NAMES})\\k<key>\\s{0,8}:\\s{0,8})` +
    `(?:(?<open>\\\\{0,7}")(?:(?!(?<!\\\\)\\k<open>)[\\s\\S])*(?:\\k<open>|$)|[^\\s,}\\]"\\\\]+)`,
  "gi",
);
/** `api_key=…`, as in a query or a header. */
const ASSIGNMENT = new RegExp(`\\b([\\w.-]{0,40}(?:${NAMES})\\s?[=:]\\s?)[^\\s&;,|"'{}[\\]]+`, "gi");

/** A copy of `value` that can be logged: plain data, bounded in depth and length, without secrets. Never throws: what
 * cannot be read is named instead. */
export function redact(value: unknown): unknown {
  return copy(value, 0, new Set(), FIELD_LIMITS);
}

/** The same for one text. Whole JSON is searched by key at any depth, other text by pattern; text without secrets comes
 * back as it was. */
export function redactText(text: string): string {
  const shaped = SHAPES.reduce((rest, [pattern, to]) => rest.replace(pattern, to), text);
  const parsed = parseJson(shaped);
  if (parsed === null) {
    return shaped.replace(MEMBER, `$1$<open>${REDACTED}$<open>`).replace(ASSIGNMENT, `$1${REDACTED}`);
  }
  const clean = JSON.stringify(copy(parsed, 0, new Set(), BODY_LIMITS));
  return clean === JSON.stringify(parsed) ? shaped : clean;
}

function parseJson(text: string): object | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function copy(value: unknown, depth: number, above: Set<object>, limits: Limits): unknown {
  switch (typeof value) {
    case "string":
      return redactText(value);
    case "bigint":
      return value.toString();
    case "function":
    case "symbol":
      return undefined;
    case "object":
      return value === null ? null : copyObject(value, depth, above, limits);
    default:
      return value;
  }
}

function copyObject(value: object, depth: number, above: Set<object>, limits: Limits): unknown {
  if (above.has(value)) return "[circular]";
  if (depth >= limits.depth) return "[too deep]";
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  above.add(value);
  try {
    const inner = (item: unknown): unknown => copy(item, depth + 1, above, limits);
    if (Array.isArray(value)) return copyArray(value, inner, limits.items);
    const members = value instanceof Error ? errorMembers(value) : Object.entries(value);
    return Object.fromEntries(
      members.map(([key, item]) => [key, isSecret(key, item) ? REDACTED : inner(item)]),
    );
  } catch (error) {
    return `[unreadable: ${redactText(String(error))}]`;
  } finally {
    above.delete(value);
  }
}

function copyArray(items: readonly unknown[], inner: (item: unknown) => unknown, most: number): unknown[] {
  if (items.length <= most) return items.map(inner);
  return [...items.slice(0, most).map(inner), `[${items.length - most} more]`];
}

/** The type, message and stack of an error are not enumerable; its own fields, such as `code`, are. */
function errorMembers(error: Error): [string, unknown][] {
  const { name, message, stack, cause } = error;
  const told = Object.entries({ type: name, message, stack, cause }).filter(([, part]) => part !== undefined);
  return [...Object.entries(error), ...told];
}

function isSecret(key: string, value: unknown): boolean {
  return SECRET_KEY.test(key) && value !== null && value !== undefined && typeof value !== "boolean";
}
