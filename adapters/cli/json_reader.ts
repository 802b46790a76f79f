// Reads a foreign JSON text without losing anything: numbers stay as written, repeated keys stay visible.

/** A JSON value as it stands in the text. `NaN` and the infinities, which Python writes, are numbers here. */
export type JsonValue =
  | { readonly kind: "object"; readonly members: readonly JsonMember[] }
  | { readonly kind: "list"; readonly items: readonly JsonValue[] }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly source: string }
  | { readonly kind: "word"; readonly word: "true" | "false" | "null" };

/** One `"key": value`. A key may come twice, and `__proto__` is a key like any other. */
export interface JsonMember {
  readonly key: string;
  readonly value: JsonValue;
}

export type JsonReading =
  | { readonly ok: true; readonly value: JsonValue }
  /** What was expected where, as `line 3, column 14: …`. */
  | { readonly ok: false; readonly message: string };

/** Reads one JSON value and nothing after it. A byte order mark is skipped. */
export function readJson(text: string): JsonReading {
  const reader = new Reader(text);
  const value = reader.document();
  return value === null ? { ok: false, message: reader.message } : { ok: true, value };
}

/** Far deeper than a state file, far less than what the call stack holds. */
const MAX_DEPTH = 500;
const BARE =
  /(?:-?(?:Infinity|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|NaN|true|false|null)(?![\w.+-])/y;
const SPACE = /[ \t\n\r]*/y;

/** One pass over one text. Every method that answers null has said why in `message`. */
class Reader {
  readonly #text: string;
  #at: number;
  message = "";

  constructor(text: string) {
    this.#text = text;
    this.#at = text.startsWith("\ufeff") ? 1 : 0;
  }

  document(): JsonValue | null {
    const value = this.#value(0);
    if (value === null) return null;
    this.#skipSpace();
    return this.#at === this.#text.length ? value : this.#fail("expected the end of the text");
  }

  #value(depth: number): JsonValue | null {
    this.#skipSpace();
    if (depth > MAX_DEPTH) return this.#fail(`nested more than ${MAX_DEPTH} levels deep`);
    switch (this.#text[this.#at]) {
      case "{": {
        const members = this.#sequence("}", () => this.#member(depth + 1));
        return members === null ? null : { kind: "object", members };
      }
      case "[": {
        const items = this.#sequence("]", () => this.#value(depth + 1));
        return items === null ? null : { kind: "list", items };
      }
      case '"': {
        const text = this.#string();
        return text === null ? null : { kind: "text", text };
      }
      default:
        return this.#bare();
    }
  }

  #sequence<T>(close: "}" | "]", next: () => T | null): readonly T[] | null {
    this.#at += 1;
    const found: T[] = [];
    if (this.#take(close)) return found;
    for (;;) {
      const item = next();
      if (item === null) return null;
      found.push(item);
      if (this.#take(close)) return found;
      if (!this.#take(",")) return this.#fail(`expected "," or "${close}"`);
    }
  }

  #member(depth: number): JsonMember | null {
    this.#skipSpace();
    if (this.#text[this.#at] !== '"') return this.#fail("expected a key in double quotes");
    const key = this.#string();
    if (key === null) return null;
    if (!this.#take(":")) return this.#fail('expected ":" after the key');
    const value = this.#value(depth);
    return value === null ? null : { key, value };
  }

  #string(): string | null {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === "\\" ? 2 : 1;
    if (end >= this.#text.length) return this.#fail("a text without its closing quote");
    try {
      const text: unknown = JSON.parse(this.#text.slice(start, end + 1));
      this.#at = end + 1;
      return String(text);
    } catch {
      return this.#fail("a text with a line break or an escape that JSON does not have");
    }
  }

  #bare(): JsonValue | null {
    BARE.lastIndex = this.#at;
    const source = BARE.exec(this.#text)?.[0];
    if (source === undefined) return this.#fail("expected a value");
    this.#at += source.length;
    return source === "true" || source === "false" || source === "null"
      ? { kind: "word", word: source }
      : { kind: "number", source };
  }

  #take(sign: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #fail(what: string): null {
    const before = this.#text.slice(0, this.#at).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    const end = this.#at >= this.#text.length ? ", where the text ends" : "";
    this.message = `line ${before.length}, column ${column}${end}: ${what}`;
    return null;
  }
}
