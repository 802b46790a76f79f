// What universe.yaml must not say of one symbol at once, and what an operator should know of it.
import type { Note, Problem, ProblemCode } from "./problem.ts";
import type { SourceNode, YamlSource } from "./yaml_source.ts";

const file = "universe.yaml";
const symbolPattern = /^([A-Z0-9]{1,20})-[A-Z0-9]{2,10}$/;

interface Listed {
  readonly text: string;
  readonly path: string;
  readonly node: SourceNode;
}

/** Duplicates and contradictions among the items that are sound; works on the source, so other faults hide none. */
export function universeProblems(
  source: YamlSource,
  protectedDefault: readonly string[],
): readonly Problem[] {
  const tiered = listed(source, /^tiers\.[^.[\]]+\.symbols\[\d+\]$/);
  const excluded = listed(source, /^exclusions\.never_trade\[\d+\]$/);
  const banned = listed(source, /^bans\[\d+\]\.symbol$/);
  const kept = listed(source, /^protected\[\d+\]$/);
  const isListGiven = source.nodes.get("protected")?.kind === "list";
  const protectedNames = new Set(isListGiven ? kept.map((item) => item.text) : protectedDefault);
  return [
    ...twice(tiered),
    ...twice(excluded),
    ...twice(banned),
    ...twice(kept),
    ...inTierAndExcluded(tiered, excluded),
    ...excluded.flatMap((item) => protectedAndExcluded(item, protectedNames, isListGiven)),
    ...halfAnAge(source),
  ];
}

/** Sound, but worth knowing. */
export function universeNotes(symbols: readonly string[], source: YamlSource): readonly Note[] {
  if (symbols.length > 0) return [];
  const line = source.nodes.get("tiers")?.line ?? null;
  return [{ file, line, text: "no tier lists a symbol: with an empty universe nothing is purged" }];
}

function listed({ nodes }: YamlSource, pattern: RegExp): readonly Listed[] {
  return [...nodes].flatMap(([path, node]) =>
    pattern.test(path) && node.kind === "text" ? [{ text: String(node.value), path, node }] : [],
  );
}

function twice(items: readonly Listed[]): readonly Problem[] {
  const first = new Map<string, Listed>();
  return items.flatMap((item) => {
    const before = first.get(item.text);
    if (before === undefined) {
      first.set(item.text, item);
      return [];
    }
    const expected = `listed already in line ${before.node.line} (${before.path})`;
    return [problem("config_duplicate_symbol", item, expected, "delete one of them")];
  });
}

function inTierAndExcluded(tiered: readonly Listed[], excluded: readonly Listed[]): readonly Problem[] {
  const tiers = new Map(tiered.map((item) => [item.text, item]));
  return excluded.flatMap((item) => {
    const other = tiers.get(item.text);
    if (other === undefined) return [];
    const expected = `excluded and also allowed in line ${other.node.line} (${other.path})`;
    return [problem("config_conflict", item, expected, "take it out of one of them")];
  });
}

function protectedAndExcluded(
  item: Listed,
  kept: ReadonlySet<string>,
  isListGiven: boolean,
): readonly Problem[] {
  const base = symbolPattern.exec(item.text)?.[1];
  if (base === undefined || !kept.has(base)) return [];
  const expected = `excluded, yet ${base} is protected${isListGiven ? "" : " (by default)"} and never sold`;
  return [
    problem("config_conflict", item, expected, `take it out of never_trade, or ${base} out of protected`),
  ];
}

function halfAnAge({ nodes }: YamlSource): readonly Problem[] {
  const isGiven = (path: string) => (nodes.get(path)?.kind ?? "null") !== "null";
  const [given, other] = isGiven("updated_at")
    ? ["updated_at", "max_age_hours"]
    : ["max_age_hours", "updated_at"];
  const node = nodes.get(given);
  if (node === undefined || !isGiven(given) || isGiven(other)) return [];
  const { line, column } = node;
  const expected = `is given without ${other}`;
  const advice = `write ${other} too, or neither`;
  return [{ code: "config_conflict", file, line, column, path: given, value: null, expected, advice }];
}

function problem(code: ProblemCode, item: Listed, expected: string, advice: string): Problem {
  const { line, column } = item.node;
  return { code, file, line, column, path: item.path, value: item.text, expected, advice };
}
