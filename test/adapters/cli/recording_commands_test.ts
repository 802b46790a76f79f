// The command lines of `journal`, `record` and `replay`; and how lines and bars are written.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommandLine } from "../../../adapters/cli/mod.ts";
import { LineOutput } from "../../../adapters/cli/line_output.ts";
import { ProgressBar } from "../../../adapters/cli/progress_bar.ts";
import { Collected, closing } from "./collected.ts";

const cwd = "/srv/bot";
const parse = (line: string) =>
  parseCommandLine(line.split(" "), {}, { version: "1", shippedConfigDir: "/opt/config", cwd });
const refusal = (line: string): string => {
  const parsed = parse(line);
  return parsed.kind === "usage" ? parsed.message : parsed.kind;
};

describe("journal", () => {
  test("alone is all of the paper ledger", () => {
    expect(parse("journal")).toEqual({
      kind: "journal",
      stateDir: join(cwd, ".purgatory"),
      mode: "paper",
      symbol: null,
      from: null,
      to: null,
      follow: false,
    });
  });

  test.each([
    ["17", { seq: 17 }],
    ["2025-11-11", { at: "2025-11-11T00:00:00.000Z" }],
    ["2025-11-11Z", { at: "2025-11-11T00:00:00.000Z" }],
    ["2025-11-11T03:04", { at: "2025-11-11T03:04:00.000Z" }],
    ["2025-11-11T03:04:05Z", { at: "2025-11-11T03:04:05.000Z" }],
    ["2025-11-11T03:04:05.67", { at: "2025-11-11T03:04:05.670Z" }],
  ])("takes %s for a place in it", (text, moment) => {
    expect(parse(`journal BONK-USD --from ${text} --to ${text}`)).toMatchObject({
      symbol: "BONK-USD",
      from: moment,
      to: moment,
    });
    expect(parse(`replay --until ${text}`)).toMatchObject({ until: moment });
  });

  test.each(["0", "-1", "1.5", "yesterday", "2025-11-31", "2025-13-01", "2025-11-11T25:00", "03:04"])(
    "takes %s for none",
    (text) => {
      expect(refusal(`journal --from=${text}`)).toContain(
        `--from ${text}: expected a sequence number, or a time in UTC such as 2025-11-11T03:04:05Z`,
      );
    },
  );

  test("does not follow to an end", () => {
    expect(refusal("journal --follow --to 5")).toContain(
      "--to and --follow: one ends it, the other does not",
    );
    expect(refusal("journal bonk")).toContain("SYMBOL bonk: expected the product");
  });
});

describe("record", () => {
  test("takes the server's address as it comes", () => {
    const plain = { kind: "record", symbol: null, follow: false, nats: { url: "nats://h:1", user: null } };
    expect(parse("record nats://h:1")).toMatchObject(plain);
    expect(parse("record --nats nats://h:1 --symbol SEI-USD --follow")).toMatchObject({
      ...plain,
      symbol: "SEI-USD",
      follow: true,
    });
    expect(refusal("record nats://h:1 --nats nats://h:1")).toContain("URL and --nats: say the same");
  });
});

describe("replay", () => {
  test("alone reads standard input, and shows a table", () => {
    expect(parse("replay")).toEqual({
      kind: "replay",
      file: "-",
      show: "table",
      symbol: null,
      until: null,
      context: false,
      whatIfFile: null,
      shrink: null,
    });
  });

  test("takes every flag", () => {
    expect(parse("replay a.jsonl --json --symbol SEI-USD --context")).toMatchObject({
      file: join(cwd, "a.jsonl"),
      show: "json",
      symbol: "SEI-USD",
      context: true,
    });
    expect(parse("replay a --json --what-if p.yaml")).toMatchObject({
      show: "json",
      whatIfFile: join(cwd, "p.yaml"),
    });
    expect(parse("replay a --quiet --shrink")).toMatchObject({
      show: "nothing",
      shrink: { to: "divergence" },
    });
    expect(parse("replay a --mermaid --shrink-to backoff.due")).toMatchObject({
      show: "mermaid",
      shrink: { to: "state", state: "backoff.due" },
    });
  });

  test.each([
    ["replay a --json --mermaid", "--json and --mermaid: are two ways to show it"],
    ["replay a --shrink --shrink-to idle", "--shrink and --shrink-to: are two goals"],
    ["replay a --shrink --what-if p", "--what-if and --shrink: ask different things"],
    ["replay a --what-if p --mermaid", "--what-if and --mermaid: it draws no picture; leave one out"],
    ["replay a --what-if p --context", "--what-if and --context: it compares no memories; leave one out"],
    ["replay --shrink", "--shrink -: expected a FILE, which is read twice"],
    ["replay - --shrink-to idle", "--shrink-to -: expected a FILE"],
    ["replay a --shrink-to Nowhere!", '--shrink-to "Nowhere!": expected a state'],
  ])("%s is refused", (line, said) => {
    expect(refusal(line)).toContain(said);
  });
});

describe("lines", () => {
  test("are written together, and wait for a slow reader", async () => {
    const slow = new Collected((stream) => {
      setImmediate(() => stream.emit("drain"));
      return false;
    });
    const output = new LineOutput(slow);
    output.line("one");
    output.line("two");
    expect([output.isFull, slow.text]).toEqual([false, ""]);
    await output.flush();
    await output.flush();
    expect([slow.text, slow.writes]).toEqual(["one\ntwo\n", 1]);
    output.line("x".repeat(100_000));
    expect(output.isFull).toBe(true);
  });

  test("end when nobody reads any more", async () => {
    const pipe = closing();
    const output = new LineOutput(pipe);
    output.line("one");
    await output.flush();
    expect(output.isClosed).toBe(true);
    output.line("two");
    await output.flush();
    expect(pipe.text).toBe("one\n");
    const answer = { exitCode: 0, text: "", errors: "" } as const;
    expect(await output.end(answer)).toBe(answer);
  });

  test("that a full disk does not take are said to be missing, also when it says so late", async () => {
    const disk = new Collected((stream) => {
      process.nextTick(() => stream.emit("error", new Error("ENOSPC: no space left on device, write")));
      return true;
    });
    const output = new LineOutput(disk);
    output.line("one");
    expect(await output.end({ exitCode: 0, text: "", errors: "" })).toEqual({
      exitCode: 1,
      text: "",
      errors: "standard output could not be written to its end: ENOSPC: no space left on device, write",
    });
  });
});

describe("a progress bar", () => {
  test("says how far it is, ten times a second at most, and goes away", () => {
    let now = 0;
    const terminal = new Collected(() => true, true);
    const bar = new ProgressBar(terminal, 1_000, () => now);
    bar.at(0, 0);
    bar.at(400, 1_234);
    now = 100;
    bar.at(500, 1_234);
    bar.clear();
    bar.clear();
    expect(terminal.text.split("\r\u001b[K")).toEqual([
      "",
      `[${" ".repeat(30)}]   0 %  0 records`,
      `[${"#".repeat(15)}${" ".repeat(15)}]  50 %  1,234 records`,
      "",
    ]);
  });

  test("counts where nobody knows how much there is, and is silent without a terminal", () => {
    const [terminal, pipe] = [new Collected(() => true, true), new Collected()];
    new ProgressBar(terminal, null, () => 0).at(5, 7);
    new ProgressBar(pipe, null, () => 0).at(5, 7);
    expect([terminal.text, pipe.text]).toEqual(["\r\u001b[K7 records", ""]);
  });
});
