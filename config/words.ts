// How a value is shown and what is said of one that does not fit its key.
import { closest, distance } from "fastest-levenshtein";
import { type KeySpec, utcTime } from "./keys.ts";
import type { ProblemCode } from "./problem.ts";
import type { SourceNode } from "./yaml_source.ts";

export interface Verdict {
  readonly code: ProblemCode;
  readonly value: string | null;
  readonly expected: string;
  readonly advice: string;
}

/** Text from a file in quotes, short, and with nothing in it that a terminal would act on. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const visible = (char: string) => `\\u{${char.codePointAt(0)?.toString(16)}}`;
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu, visible);
}

/** A key as messages write it: plain where it is a plain word. */
export function keyName(name: string): string {
  return /^[\w.[\]-]{1,120}$/.test(name) ? name : quoted(name);
}

/** The candidate that was probably meant; undefined when none is near. */
export function meant(word: string, candidates: readonly string[]): string | undefined {
  const same = candidates.find((candidate) => candidate.toLowerCase() === word.toLowerCase());
  if (same !== undefined || candidates.length === 0) return same;
  const nearest = closest(word, candidates);
  return distance(word, nearest) <= Math.max(2, Math.floor(word.length / 3)) ? nearest : undefined;
}

const kindWords = {
  text: "text",
  number: "a number",
  boolean: "true or false",
  null: "empty",
  list: "a list",
  section: "a section",
} as const;

/** Where a section or a list is expected. The value is never shown: it may be a secret in the wrong place. */
export function notShaped(node: SourceNode, wanted: "section" | "list"): Verdict {
  const advice = wanted === "list" ? "write one item a line, each after a dash" : "indent its keys under it";
  return type(`is ${kindWords[node.kind]}, not a ${wanted}`, advice, null);
}

/** What is wrong with a value that its schema has refused. */
export function notFitting(spec: KeySpec, node: SourceNode, fallback: unknown): Verdict {
  if (spec.kind === "secret" || spec.kind === "user") return notReference(spec.kind, node);
  if (node.kind === "null") return type("is empty", emptyAdvice(spec, fallback), null);
  if (node.kind === "list" || node.kind === "section")
    return type(
      `is ${kindWords[node.kind]}, not ${wanted(spec)}`,
      "write the value alone after the colon",
      null,
    );
  if (spec.kind === "usd" || spec.kind === "integer" || spec.kind === "number") return notNumber(spec, node);
  return notWord(spec, node);
}

/** What a key takes, for messages and for the reference table. */
export function wanted(spec: KeySpec): string {
  switch (spec.kind) {
    case "usd":
      return `a decimal from ${spec.min} to ${spec.max}`;
    case "integer":
      return `a whole number from ${spec.min} to ${spec.max}`;
    case "number":
      return `a number from ${spec.min} to ${spec.max}`;
    case "choice":
      return `one of ${spec.choices.join(", ")}`;
    default:
      return wordKinds[spec.kind];
  }
}

const wordKinds = {
  boolean: "true or false",
  symbol: "a symbol such as BONK-USD",
  currency: "a currency such as USDC",
  time: "a time such as 2025-11-11T03:04:05Z",
  host: "a host name or address such as 127.0.0.1",
  url: "a NATS address such as nats://127.0.0.1:4222",
  bot: "a name such as rotation-bot",
  reason: "text of at most 500 characters",
  secret: "{env: NAME} or {file: PATH}",
  user: "a name, {env: NAME} or {file: PATH}",
  inbox: "a subject of plain words such as _INBOX_purgatory",
} as const;

type NumberSpec = Extract<KeySpec, { readonly min: unknown }>;

function notNumber(spec: NumberSpec, node: SourceNode): Verdict {
  if (node.kind === "text") {
    const isNumeric = node.source.trim() !== "" && Number.isFinite(Number(node.source));
    const advice = isNumeric ? "take the quotes away" : `write ${wanted(spec)}`;
    return type("not a number", advice, quoted(node.source));
  }
  const value = typeof node.value === "number" ? node.value : Number.NaN;
  if (node.kind === "boolean") return type("not a number", `write ${wanted(spec)}`, node.source);
  if (!Number.isFinite(value)) return range("not a finite number", `write ${wanted(spec)}`, node);
  if (value < Number(spec.min)) return range(`under the minimum ${spec.min}`, "raise it", node);
  if (value > Number(spec.max)) return range(`over the maximum ${spec.max}`, "lower it", node);
  if (spec.kind === "integer") return range("not a whole number", `write ${wanted(spec)}`, node);
  return range("not in plain decimal notation", "write it like 12.5, with at most 30 decimals", node);
}

function notWord(spec: KeySpec, node: SourceNode): Verdict {
  const { source, value } = node;
  const shown = node.kind === "text" ? quoted(source) : source;
  if (spec.kind === "choice") {
    const guess = meant(source, spec.choices);
    const advice = guess === undefined ? "write one of them" : `did you mean ${guess}?`;
    return { code: "config_choice", value: shown, expected: `not ${wanted(spec)}`, advice };
  }
  if (spec.kind === "url") return notUrl(source);
  const fix = typeof value === "string" ? corrected(spec.kind, value) : undefined;
  const guess = fix === undefined ? `write ${wanted(spec)}` : `did you mean ${fix}?`;
  return type(`not ${wanted(spec)}`, quotesAdvice(spec, value) ?? guess, shown);
}

function quotesAdvice({ kind }: KeySpec, value: unknown): string | undefined {
  if (kind === "boolean" && (value === "true" || value === "false")) return "take the quotes away";
  const needsThem = typeof value !== "string" && (kind === "currency" || kind === "reason" || kind === "bot");
  return needsThem ? "put it in quotes" : undefined;
}

/** What the user most likely meant to write. */
function corrected(kind: KeySpec["kind"], text: string): string | undefined {
  const upper = text.trim().toUpperCase().replace(/[/_]/, "-");
  if (kind === "symbol" && /^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/.test(upper)) return upper;
  if (kind === "currency") return /^([A-Z0-9]{1,20})(-[A-Z0-9]{2,10})?$/.exec(upper)?.[1];
  if (kind === "boolean") {
    if (/^(yes|on|true)$/i.test(text)) return "true";
    if (/^(no|off|false)$/i.test(text)) return "false";
  }
  const withZone = text.length === 10 ? `${text}T00:00:00Z` : `${text.trim().replace(" ", "T")}Z`;
  return kind === "time" && utcTime(withZone) !== null ? `${withZone} (the zone is needed)` : undefined;
}

function notUrl(source: string): Verdict {
  if (!source.includes("@")) return type(`not ${wordKinds.url}`, "write one", quoted(source));
  const advice = "move them to nats.user and nats.password, as {env: NAME} or {file: PATH}";
  return { code: "config_secret_inline", value: null, expected: "holds a user or password", advice };
}

function notReference(kind: "secret" | "user", node: SourceNode): Verdict {
  if (node.kind === "section") {
    const expected = "is not exactly one of {env: NAME} and {file: PATH}, with a proper name or path";
    return type(expected, "write one of the two", null);
  }
  if (kind === "user" || node.kind === "list")
    return type(`is ${kindWords[node.kind]}, not ${wordKinds[kind]}`, "write one of these", null);
  return {
    code: "config_secret_inline",
    value: null,
    expected: "is written in the file, where anyone who reads it has it",
    advice: "put it into a variable or a file of its own and write {env: NAME} or {file: PATH}",
  };
}

function emptyAdvice(spec: KeySpec, fallback: unknown): string {
  const shown = typeof fallback === "string" || typeof fallback === "number" || typeof fallback === "boolean";
  return `write ${wanted(spec)}${shown ? `, or delete the line for the default ${fallback}` : ""}`;
}

function type(expected: string, advice: string, value: string | null): Verdict {
  return { code: "config_type", value, expected, advice };
}

function range(expected: string, advice: string, node: SourceNode): Verdict {
  return { code: "config_range", value: node.source, expected, advice };
}
