// `purgatory replay`, from a file or standard input, to whoever reads.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../adapters/cli/mod.ts";
import { replay } from "../../../adapters/cli/replay_command.ts";
import { recordLine } from "../../../adapters/recording/mod.ts";
import { lines, transitions } from "../recording/recording_kit.ts";
import { LEDGER } from "../../machines/scenario.ts";
import { Collected, closing } from "./collected.ts";

const dir = mkdtempSync(join(tmpdir(), "purgatory-replay-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** What a machine that does not rest would have recorded. */
const third = transitions.findIndex(({ state }) => state === "backoff.waiting");
const other = transitions.map((step, index) =>
  recordLine(index === third ? { ...step, state: "failed" } : step),
);

async function* bytes(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
const file = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
function pipe(name: string): string {
  const path = join(dir, name);
  execFileSync("mkfifo", [path]);
  return path;
}
async function run(
  line: string,
  input: string | Uint8Array,
  stdout = new Collected(),
  stderr = new Collected(),
) {
  const command = parseCommandLine(
    `replay ${line}`.trim().split(" "),
    {},
    {
      version: "1",
      shippedConfigDir: "/opt/config",
      cwd: dir,
    },
  );
  if (command.kind !== "replay") throw new Error(JSON.stringify(command));
  const answer = await replay(command, { stdin: bytes(input), stdout, stderr });
  return { ...answer, out: stdout.lines, warned: stderr.lines };
}
const all = `${lines.join("\n")}\n`;

describe("a recording that the machine comes to the same with", () => {
  test("is shown as a table, and ends well", async () => {
    const { exitCode, out, errors, warned } = await run("", all);
    expect([exitCode, errors, warned]).toEqual([0, "", []]);
    expect(out).toHaveLength(lines.length + 2);
    expect(out[0]).toMatch(/^ +SEQ {2}TIME +SYMBOL +STATE +EVENT/);
    expect(out[3]).toMatch(/^ +3 {2}.* BONK-USD +failed +order\.rejected INVALID_ORDER_CONFIGURATION/);
    expect(out.at(-1)).toBe(`Replayed ${lines.length} records of 2 symbols without a divergence.`);
  });

  test.each(["--context", "--quiet", "--quiet --context"])("ends well with %s", async (flags) => {
    const { exitCode, out } = await run(flags, all);
    expect([exitCode, out.at(-1)]).toEqual([
      0,
      `Replayed ${lines.length} records of 2 symbols without a divergence.`,
    ]);
  });

  test("is the same packed, from a file, and without its last line break", async () => {
    const path = file("all.jsonl", lines.join("\n"));
    expect((await run("--quiet", gzipSync(all))).exitCode).toBe(0);
    expect((await run(`${path} --quiet`, "")).out).toEqual((await run("--quiet", all)).out);
  });

  test("is shown as JSON, a line for each step, and what came of it at the end", async () => {
    const { out } = await run("--json", all);
    const [first, ...rest] = out.map((line) => JSON.parse(line));
    const { snapshot: _, ...step } = JSON.parse(JSON.stringify(transitions[0]));
    expect(first).toEqual({ kind: "same", ...step });
    const summary = {
      replayed: lines.length,
      symbols: 2,
      bases: 0,
      bad_lines: 0,
      diverges: false,
      refusal: null,
    };
    expect(rest.at(-1)).toEqual({ kind: "summary", ...summary });
  });

  test("is drawn", async () => {
    const { out } = await run("--mermaid --symbol SEI-USD", all);
    expect(out.slice(0, 4)).toEqual([
      "sequenceDiagram",
      "  participant p1 as cycle",
      "  participant p2 as SEI-USD",
      "  p1->>p2: purge.requested excluded, 889587.0 worth $9.48",
    ]);
    expect(out.join("\n")).not.toContain("BONK");
  });

  test("is replayed up to a record, or a time", async () => {
    expect((await run("--quiet --until 4", all)).out).toEqual([
      "Replayed 4 records of 1 symbol without a divergence.",
    ]);
    const minute = await run("--quiet --until 2025-11-11T22:01", all);
    const till = transitions.filter(({ at }) => at <= "2025-11-11T22:01:00.000Z").length;
    expect(minute.out).toEqual([`Replayed ${till} records of 2 symbols without a divergence.`]);
  });

  test("says once how many records it begins from where it does not begin at the beginning", async () => {
    const { exitCode, out } = await run("--quiet", lines.slice(4).join("\n"));
    expect([exitCode, out]).toEqual([
      0,
      [
        `Replayed ${lines.length - 4} records of 2 symbols without a divergence.`,
        "Taken as they are, since what came before is not there: 1 record.",
      ],
    ]);
  });

  test.each([
    ["--symbol WLFI-USD", all, "there was no record of WLFI-USD to replay"],
    ["--until 2025-11-11T21:00", all, "there was no record to replay"],
    ["--quiet", "", "there was no record to replay"],
    ["--json", "\n", "there was no record to replay"],
    ["--what-if patient.yaml --symbol WLFI-USD", all, "there was no record of WLFI-USD to replay"],
    ["--what-if patient.yaml", "", "there was no record to replay"],
    ["empty.jsonl --shrink", "", "there was no record to replay"],
    ["all.jsonl --shrink --symbol WLFI-USD", "", "there was no record of WLFI-USD to replay"],
  ])("fails with %s where there is nothing to replay", async (flags, input, said) => {
    file("empty.jsonl", "");
    file("all.jsonl", all);
    file("patient.yaml", "backoff: { after_failures: 5 }\n");
    const { exitCode, out, errors } = await run(flags, input);
    expect([exitCode, errors]).toEqual([1, said]);
    expect(out.join()).not.toContain("Replayed");
  });

  test("ends quietly when nobody reads any more", async () => {
    const { exitCode, errors } = await run("", all, closing());
    expect([exitCode, errors]).toEqual([0, ""]);
  });
});

describe("a recording that the machine goes another way with", () => {
  test("fails at that record, and says what differs", async () => {
    const { exitCode, out, errors } = await run("", other.join("\n"));
    expect(exitCode).toBe(1);
    expect(out.at(-1)).toBe(`Replayed ${third} records of 1 symbol before the first divergence.`);
    expect(errors).toMatch(new RegExp(`^BONK-USD goes another way at seq ${third + 1}, `));
    expect(errors).toContain('- state: "failed"\n+ state: "backoff.waiting"');
  });

  test("names seq, event, expected and actual in JSON", async () => {
    const { out } = await run("--json", other.join("\n"));
    expect(JSON.parse(out.at(-2) ?? "")).toMatchObject({
      kind: "divergence",
      seq: third + 1,
      event: { type: "order.rejected" },
      expected: { state: "failed" },
      actual: { state: "backoff.waiting" },
    });
  });

  test("does not fail for another symbol, nor before", async () => {
    expect((await run("--quiet --symbol SEI-USD", other.join("\n"))).exitCode).toBe(0);
    expect((await run(`--quiet --until ${third}`, other.join("\n"))).exitCode).toBe(0);
  });
});

describe("on a terminal", () => {
  const terminal = () => new Collected(() => true, true);

  test("a line that cannot be read is named beside the bar, and not within it", async () => {
    const input = gzipSync(Buffer.concat([Buffer.from(all), Buffer.alloc(200_000, "nonsense\n")]));
    const stderr = terminal();
    await run("--quiet", input, new Collected(), stderr);
    const [, bar, cleared] = stderr.text.split("\r\u001b[K");
    expect([bar, cleared]).toEqual([
      expect.stringMatching(/^\d+ records$/),
      expect.stringMatching(/^line \d+ is not JSON/),
    ]);
  });

  test("a pipe with a name has no end that anybody knows of", async () => {
    const path = pipe("named");
    const stderr = terminal();
    const [{ exitCode }] = await Promise.all([
      run(`${path} --quiet`, "", new Collected(), stderr),
      writeFile(path, all),
    ]);
    expect(exitCode).toBe(0);
    expect(stderr.text.split("\r\u001b[K")[1]).toBe(`${lines.length} records`);
  });
});

describe("lines that are none", () => {
  test("are named with what was expected, and nothing else is lost", async () => {
    const [one = "", two = "", ...rest] = lines;
    const { exitCode, out, warned, errors } = await run(
      "--quiet",
      [one, "{nonsense", "", two, ...rest].join("\n"),
    );
    expect(warned).toEqual([
      expect.stringMatching(
        /^line 2 is not JSON .*; expected one record a line, as purgatory journal writes them$/,
      ),
    ]);
    expect(out).toEqual([
      `Replayed ${lines.length} records of 2 symbols without a divergence.`,
      "Left out: 1 line.",
    ]);
    expect([exitCode, errors]).toEqual([1, "1 line could not be replayed"]);
  });

  test("let their symbol go on from the record after them", async () => {
    const broken = lines.map((line, index) => (index === 4 ? line.slice(0, 500) : line));
    const { out, warned } = await run("--quiet", broken.join("\n"));
    expect(warned).toHaveLength(1);
    expect(out[1]).toBe("Taken as they are, since what came before is not there: 1 record.");
  });

  test("whose event is malformed are not called a divergence", async () => {
    const broken = lines.map((line, index) =>
      index === 1 ? line.replace('"best_bid":"0', '"best_bid":"-0') : line,
    );
    const { warned, errors } = await run("--quiet", broken.join("\n"));
    expect(warned).toEqual([expect.stringMatching(/^line 2 is not a record: .*best_bid/)]);
    expect(errors).toBe("1 line could not be replayed");
  });

  test("are found where a file was cut off, wherever that was", async () => {
    const last = lines.at(-1) ?? "";
    const head = lines.slice(0, -1).join("\n");
    for (let length = 1; length < last.length; length += 97) {
      const { warned } = await run("--quiet", `${head}\n${last.slice(0, length)}`);
      expect(warned).toHaveLength(1);
    }
    const padded = last.replace(/"past_orders":\[.*$/, '"past":{"a":{"b":{}}}');
    expect((await run("--quiet", `${head}\n${padded}`)).warned).toHaveLength(1);
  });

  test("that come twice, or in another order, are named", async () => {
    const { warned } = await run("--quiet", [...lines.slice(0, 3), lines[1]].join("\n"));
    expect(warned).toEqual([
      expect.stringMatching(/^line 4 seq 2 of BONK-USD comes after seq 3 of the same ledger/),
    ]);
  });

  test("are shown up to a hundred times", async () => {
    const { warned, errors } = await run("--quiet", "nonsense\n".repeat(150));
    expect(warned).toHaveLength(101);
    expect(errors).toBe("150 lines could not be replayed");
  });

  test.each([
    ['"format":1', '"format":2', "line 1 is of format 2; expected 1;"],
    ['"machine":1', '"machine":5', "line 1 was recorded by version 5 of the machine; this is version 1;"],
  ])("of another version are refused at once: %s", async (from, to, said) => {
    const { exitCode, errors, warned } = await run("--quiet", all.replaceAll(from, to));
    expect([exitCode, warned]).toEqual([1, []]);
    expect(errors).toContain(said);
  });

  test("cannot be had from a file that is not there", async () => {
    const { exitCode, errors, out } = await run("nowhere.jsonl", "");
    expect([exitCode, out]).toEqual([1, []]);
    expect(errors).toMatch(/nowhere\.jsonl could not be read: ENOENT/);
  });
});

describe("another policy", () => {
  const patient = file("patient.yaml", "backoff: { after_failures: 5 }\n");

  test("is told with the first difference of each symbol, and how it would have ended", async () => {
    const { exitCode, out } = await run(`--what-if ${patient}`, all);
    expect(exitCode).toBe(0);
    expect(out.join("\n")).toContain("BONK-USD goes another way at seq ");
    expect(out.join("\n")).toMatch(
      /was at the end {5}cleared, 0 failures, 4 attempts, sold 468603 for \$4\.99/,
    );
    expect(out.at(-1)).toMatch(/^Under patient\.yaml, \d of 2 symbols would have gone another way\.$/);
  });

  test("is told as JSON, symbol by symbol, or for one alone", async () => {
    const { out } = await run(`--json --symbol SEI-USD --what-if ${patient}`, all);
    expect(out.map((line) => JSON.parse(line))).toMatchObject([
      { symbol: "SEI-USD", recorded: { failures: 2 } },
    ]);
  });

  test("has to be in order", async () => {
    const wrong = file("wrong.yaml", "backoff: { after_failures: many }\n");
    const { exitCode, errors } = await run(`--what-if ${wrong}`, all);
    expect([exitCode, errors]).toEqual([
      1,
      expect.stringMatching(/^\S*\/wrong\.yaml:1: backoff\.after_failures is "many", /),
    ]);
    expect((await run("--what-if gone.yaml", all)).errors).toContain("ENOENT");
  });

  test("is told as far as the recording could be read", async () => {
    expect((await run(`--what-if ${patient}`, `x\n${all}`)).exitCode).toBe(1);
    expect((await run(`--what-if ${patient}`, all.replace('"format":1', '"format":3'))).errors).toContain(
      "format 3",
    );
  });
});

describe("the smallest part", () => {
  const whole = file("whole.jsonl", all);
  const wrong = file("other.jsonl", other.join("\n"));

  test("that reaches a state is shown, and that nothing of it can be left out", async () => {
    const { exitCode, out } = await run(`${whole} --shrink-to failed --symbol SEI-USD`, "");
    expect(exitCode).toBe(0);
    expect(out).toHaveLength(5);
    expect(out.at(-1)).toBe("3 of 3 events of SEI-USD, none of which can be left out.");
  });

  test("is a recording of its own as JSON", async () => {
    const { out } = await run(`${whole} --json --shrink-to backoff.due`, "");
    expect(out).toHaveLength(10);
    expect(await run("--quiet --context", out.join("\n"))).toMatchObject({ exitCode: 0 });
  });

  test("begins from a snapshot where the recording does", async () => {
    const later = file("later.jsonl", lines.slice(3).join("\n"));
    const { out } = await run(`${later} --json --shrink-to backoff`, "");
    expect(await run("--quiet", out.join("\n"))).toMatchObject({ exitCode: 0 });
    const shown = await run(`${later} --shrink-to backoff`, "");
    expect(shown.out.at(-1)).toMatch(
      / events of BONK-USD after the snapshot of seq 4, none of which can be left out\.$/,
    );
  });

  test("that diverges is shown with what differs", async () => {
    const { exitCode, errors, out } = await run(`${wrong} --shrink`, "");
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('- state: "failed"')]);
    expect(out.at(-1)).toBe("9 of 9 events of BONK-USD, none of which can be left out.");
  });

  test("is found in the second of two ledgers, each with numbers of its own", async () => {
    const another = lines.find((line) => line.includes('"seq":10,'))?.replaceAll(LEDGER, "another");
    const two = [another, ...lines];
    const { exitCode, out } = await run(`${file("two.jsonl", two.join("\n"))} --shrink-to backoff`, "");
    expect([exitCode, out.at(-1)]).toEqual([0, "9 of 9 events of BONK-USD, none of which can be left out."]);
  });

  test("is made of no event twice, and lines that come again are named", async () => {
    const again = file("again.jsonl", [...lines.slice(0, 6), ...lines.slice(3)].join("\n"));
    const { exitCode, out, errors, warned } = await run(`${again} --shrink-to backoff`, "");
    expect(out.at(-1)).toBe("9 of 9 events of BONK-USD, none of which can be left out.");
    expect([exitCode, errors, warned.length]).toEqual([1, "3 lines could not be replayed", 3]);
  });

  test("is not looked for after an event that is malformed", async () => {
    const text = all.replace('"best_bid":"0', '"best_bid":"-0');
    const { exitCode, errors, warned } = await run(`${file("malformed.jsonl", text)} --shrink`, "");
    expect(warned).toEqual([expect.stringMatching(/^line 2 is not a record: .*best_bid/)]);
    expect([exitCode, errors]).toEqual([1, "1 line could not be replayed"]);
  });

  test("cannot be had from a pipe with a name, which is read once", async () => {
    const path = pipe("once");
    const [{ exitCode, errors }] = await Promise.all([
      run(`${path} --shrink-to failed`, ""),
      writeFile(path, all),
    ]);
    expect([exitCode, errors]).toEqual([
      1,
      expect.stringContaining("once is a pipe; --shrink-to reads it twice"),
    ]);
  });

  test("of what does not diverge, or reach it, is none", async () => {
    expect((await run(`${whole} --shrink`, "")).text).toBe(
      "Nothing diverges, so there is nothing to shrink.",
    );
    expect((await run(`${whole} --shrink-to suspended`, "")).errors).toContain("no record reaches suspended");
    expect((await run("gone.jsonl --shrink", "")).errors).toContain("ENOENT");
  });

  test("of what only the recording reaches is none", async () => {
    const claimed = transitions.map((step) => recordLine({ ...step, path: [...step.path, "suspended"] }));
    const { exitCode, errors } = await run(
      `${file("claimed.jsonl", claimed.join("\n"))} --shrink-to suspended`,
      "",
    );
    expect([exitCode, errors]).toEqual([
      1,
      expect.stringContaining("the machine as it is now goes another way"),
    ]);
  });
});
