// What the parts of a script must agree on. Looks at the undecoded data, so that a fault elsewhere hides none of these.
import { Schema } from "effect";
import { add, compare, DecimalString, isZero } from "../../../machines/mod.ts";
import { didYouMean, shown, type Verdict } from "./script_faults.ts";
import { stepKindNames } from "./script_schema.ts";

export interface Disagreement {
  readonly path: readonly PropertyKey[];
  readonly verdict: Verdict;
}

/** Every disagreement. What has not the right shape is passed over: the schema speaks of that. */
export function checkRelations(raw: unknown): readonly Disagreement[] {
  if (!isRecord(raw)) return [];
  return [...latency(raw), ...holds(raw), ...prices(raw), ...symbols(raw), ...kinds(raw), ...parts(raw)];
}

function* latency(raw: Section): Generator<Disagreement> {
  const { min, max } = isRecord(raw["latency_ms"]) ? raw["latency_ms"] : {};
  if (!isAmount(min) || !isAmount(max) || compare(min, max) <= 0) return;
  yield conflict(["latency_ms", "min"], shown(min), `above the max ${max}`, "swap them");
}

function* holds(raw: Section): Generator<Disagreement> {
  for (const [currency, held] of entries(raw["account"])) {
    const { balance, hold } = held;
    if (!isAmount(balance) || !isAmount(hold) || compare(hold, balance) <= 0) continue;
    const expected = `above the balance ${balance}`;
    yield conflict(["account", currency, "hold"], shown(hold), expected, "lower it, or raise the balance");
  }
}

/** A tick larger than the price sells BONK for a cent. */
function* prices(raw: Section): Generator<Disagreement> {
  for (const [symbol, product] of entries(raw["products"])) {
    const { price, price_increment: tick } = product;
    if (!isAmount(price) || !isAmount(tick) || isZero(price) || compare(tick, price) <= 0) continue;
    const expected = `above the price ${price}`;
    yield conflict(["products", symbol, "price_increment"], shown(tick), expected, "make it finer");
  }
}

function* symbols(raw: Section): Generator<Disagreement> {
  if (!isRecord(raw["products"])) return;
  const listed = Object.keys(raw["products"]);
  const named: [readonly PropertyKey[], unknown][] = [];
  if (isRecord(raw["behaviour"])) {
    for (const symbol of Object.keys(raw["behaviour"])) named.push([["behaviour", symbol], symbol]);
  }
  for (const section of ["halts", "stale_quotes", "crossed"]) {
    list(raw[section]).forEach((item, i) => {
      if (isRecord(item)) named.push([[section, i, "symbol"], item["symbol"]]);
    });
  }
  for (const [path, symbol] of named) {
    if (typeof symbol !== "string" || listed.includes(symbol)) continue;
    const value = path.length === 2 ? null : shown(symbol);
    yield conflict(
      path,
      value,
      value === null ? "is not a listed product" : "not a listed product",
      didYouMean(symbol, listed),
    );
  }
}

function* kinds(raw: Section): Generator<Disagreement> {
  for (const [path, step] of steps(raw["behaviour"])) {
    const isItem = path.length === 3;
    const names = isItem ? [...stepKindNames, "steps"] : stepKindNames;
    const found = Object.keys(step).filter((name) => names.includes(name));
    const hasStranger = Object.keys(step).some((name) => name !== "repeat" && !names.includes(name));
    if (found.length > 1) {
      const advice = "a step does one thing: put them in steps of their own";
      yield conflict(path, null, `has ${found.join(" and ")} at once`, advice);
    } else if (found.length === 0 && !hasStranger) {
      yield conflict(path, null, "does nothing", `write one of ${names.join(", ")}`);
    } else if (isItem && Array.isArray(step["steps"]) && step["steps"].length === 0) {
      yield conflict([...path, "steps"], null, "has no steps", "write one, or delete the group");
    }
  }
}

function* parts(raw: Section): Generator<Disagreement> {
  for (const [path, step] of steps(raw["behaviour"])) {
    const fill = step["fill"];
    if (!isRecord(fill) || !Array.isArray(fill["parts"])) continue;
    const fractions = fill["parts"].map((part: unknown) => (isRecord(part) ? part["fraction"] : undefined));
    if (!fractions.every(isAmount)) continue;
    const sum = fractions.reduce(add, "0");
    if (compare(sum, "1") === 0) continue;
    yield conflict(
      [...path, "fill", "parts"],
      null,
      `add up to ${sum}, not 1`,
      "use partial for an order that is not filled",
    );
  }
}

function* steps(behaviour: unknown): Generator<[path: readonly PropertyKey[], step: Section]> {
  if (!isRecord(behaviour)) return;
  for (const [symbol, items] of Object.entries(behaviour)) {
    for (const [i, item] of list(items).entries()) {
      if (!isRecord(item)) continue;
      yield [["behaviour", symbol, i], item];
      for (const [k, step] of list(item["steps"]).entries()) {
        if (isRecord(step)) yield [["behaviour", symbol, i, "steps", k], step];
      }
    }
  }
}

type Section = Readonly<Record<string, unknown>>;

function conflict(
  path: readonly PropertyKey[],
  value: string | null,
  expected: string,
  advice: string,
): Disagreement {
  return { path, verdict: { code: "config_conflict", value, expected, advice } };
}

const isAmount = Schema.is(DecimalString);

function entries(section: unknown): [string, Section][] {
  if (!isRecord(section)) return [];
  return Object.entries(section).flatMap(([name, value]) => (isRecord(value) ? [[name, value]] : []));
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
