// docs/simulation.md against the simulator that it describes.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { chanceOf } from "../../simulation/chance.ts";
import { Faults } from "../../simulation/faults.ts";
import { FAULTS, INVARIANTS, kindOf, planOf } from "../../simulation/mod.ts";
import { scriptOf } from "../../simulation/plan.ts";

const page = readFileSync(new URL("../../docs/simulation.md", import.meta.url), "utf8");

/** The rows of the table under a head, cell by cell. */
function rowsOf(head: string): readonly (readonly string[])[] {
  const [, after = ""] = page.split(`${head}\n| --- | --- |\n`);
  const [table = ""] = after.split("\n\n");
  return table
    .trim()
    .split("\n")
    .map((row) => row.slice(2, -2).split(" | "));
}

/** The names in the first cells. */
const namesOf = (head: string): readonly string[] =>
  rowsOf(head).flatMap(([cell = ""]) => cell.split(", ").map((name) => name.replaceAll("`", "")));

/** What is planned before a world begins, over many seeds. */
function plannedKinds(): readonly string[] {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 300; seed += 1) {
    const plan = planOf(seed, 45 * 60_000);
    const faults = new Faults({ chance: chanceOf(seed), now: () => plan.startsAt, calledOff: new Set() });
    scriptOf(plan, faults);
    for (const { id } of faults.struck) kinds.add(kindOf(id));
  }
  return [...kinds];
}

describe("the page on the simulator", () => {
  test("has every kind of fault, and no other", () => {
    const inWorlds = plannedKinds().filter((kind) => !kind.startsWith("order "));
    expect([...namesOf("| kind | what happens |")].sort()).toEqual(
      [...Object.keys(FAULTS), ...inWorlds].sort(),
    );
  });

  test("has everything that may be in store for an order", () => {
    const inStore = plannedKinds().filter((kind) => kind.startsWith("order "));
    expect([...namesOf("| kind | what becomes of the order |")].sort()).toEqual([...inStore].sort());
  });

  test("has every promise, word for word", () => {
    const rows = rowsOf("| invariant | promise |").map(([name = "", promise]) => [
      name.replaceAll("`", ""),
      promise,
    ]);
    expect(rows).toEqual(Object.entries(INVARIANTS));
  });

  test("has every layout", () => {
    const layouts = new Set(Array.from({ length: 50 }, (_, seed) => planOf(seed, 0).layout));
    const [, table = ""] = page.split("| layout | |\n| --- | --- |\n");
    const named =
      table
        .split("\n\n", 1)
        .join()
        .match(/^\| `\w+`/gm) ?? [];
    expect(named.map((cell) => cell.slice(3, -1)).sort()).toEqual([...layouts].sort());
  });
});
