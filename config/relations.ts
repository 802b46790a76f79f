// Which values contradict each other. Each key alone is in range by the time it gets here.
import * as BigDecimal from "effect/BigDecimal";
import type { Decoded, Effective } from "./decode.ts";
import type { Problem } from "./problem.ts";

type File = "policy.yaml" | "app.yaml";

interface Relation {
  readonly file: File;
  readonly path: string;
  readonly must: "be at least" | "be at most";
  readonly other: string;
  /** Where `other` stands, if not in `file`. */
  readonly otherFile?: File;
  readonly advice: string;
  /** A switch of the same file that must be on for the relation to matter. */
  readonly when?: string;
}

const purge = "portfolio_management.purge_execution";
const minimum = "raise it or lower the minimum";
const fallback = `${purge}.allow_taker_fallback`;

/** Every rule between two keys; `docs/configuration.md` lists them from here. */
export const relations: readonly Relation[] = [
  policy(`${purge}.slice_usd`, "be at least", "execution.min_notional_usd", minimum),
  policy(`${purge}.max_residual_usd`, "be at least", "execution.min_notional_usd", minimum),
  policy(
    "portfolio_management.min_liquidation_value_usd",
    "be at least",
    "risk.dust_threshold_usd",
    "raise it or lower the threshold",
  ),
  policy(
    "portfolio_management.min_liquidation_value_usd",
    "be at least",
    "execution.min_notional_usd",
    minimum,
  ),
  {
    ...policy(
      `${purge}.taker_fallback_threshold_usd`,
      "be at least",
      "execution.min_notional_usd",
      "raise it, or set allow_taker_fallback: false",
    ),
    when: fallback,
  },
  {
    ...policy(
      `${purge}.taker_fallback_threshold_usd`,
      "be at least",
      `${purge}.max_residual_usd`,
      "raise it, lower the residual, or set allow_taker_fallback: false",
    ),
    when: fallback,
  },
  policy(
    `${purge}.replace_seconds`,
    "be at most",
    `${purge}.max_duration_seconds`,
    "lower it or allow more time",
  ),
  policy(
    `${purge}.max_consecutive_no_fill`,
    "be at most",
    `${purge}.max_slices`,
    "lower it or allow more slices",
  ),
  policy(
    `${purge}.cushion_ticks`,
    "be at most",
    `${purge}.max_cushion_ticks`,
    "lower it or raise the maximum",
  ),
  policy("backoff.base_hours", "be at most", "backoff.max_hours", "lower it or raise the maximum"),
  app(
    "breaker.venue_cooldown_seconds",
    "be at most",
    "breaker.venue_cooldown_max_seconds",
    "lower it or raise the maximum",
  ),
  app("gateway.base_delay_ms", "be at most", "gateway.max_delay_ms", "lower it or raise the maximum"),
  app(
    "limits.group_records",
    "be at most",
    "limits.pending_records",
    "lower it or allow more pending records",
  ),
  {
    ...app(
      "gateway.poll_seconds",
      "be at most",
      `${purge}.replace_seconds`,
      "lower it, or let slices rest longer",
    ),
    otherFile: "policy.yaml",
  },
];

/** Reports every broken relation whose two values are sound in themselves. */
export function brokenRelations(files: Readonly<Record<File, Decoded<unknown>>>): readonly Problem[] {
  return relations.flatMap((relation) => broken(relation, files) ?? []);
}

function broken(relation: Relation, files: Readonly<Record<File, Decoded<unknown>>>): Problem | null {
  const { file, path, other, otherFile = file, must, when, advice } = relation;
  const left = files[file].effective(path);
  const right = files[otherFile].effective(other);
  if (left === undefined || right === undefined) return null;
  if (when !== undefined && files[file].effective(when)?.value !== true) return null;
  const [a, b] = [decimal(left), decimal(right)];
  const holds = must === "be at least" ? !BigDecimal.isLessThan(a, b) : !BigDecimal.isGreaterThan(a, b);
  if (holds) return null;
  const isLeftWritten = left.node !== undefined;
  const node = isLeftWritten ? left.node : right.node;
  const side = must === "be at least" ? "under" : "over";
  return {
    code: "config_conflict",
    file: isLeftWritten ? file : otherFile,
    line: node?.line ?? null,
    column: node?.column ?? null,
    path,
    value: shown(left),
    expected: `${side} ${other} ${shown(right, otherFile === file ? undefined : otherFile)}`,
    advice,
  };
}

function shown({ value, node }: Effective, file?: File): string {
  const from = [node === undefined ? "the default" : undefined, file].filter((part) => part !== undefined);
  const written = node?.source ?? String(value);
  return from.length === 0 ? written : `${written} (${from.join(", ")})`;
}

function decimal({ value }: Effective): BigDecimal.BigDecimal {
  return typeof value === "number"
    ? BigDecimal.fromNumberUnsafe(value)
    : BigDecimal.fromStringUnsafe(String(value));
}

function policy(path: string, must: Relation["must"], other: string, advice: string): Relation {
  return { file: "policy.yaml", path, must, other, advice };
}

function app(path: string, must: Relation["must"], other: string, advice: string): Relation {
  return { file: "app.yaml", path, must, other, advice };
}
