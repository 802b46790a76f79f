// A table that stands under a scrolling log, seen on a terminal.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type LiveTable, liveTable } from "../../../adapters/cli/live_table.ts";
import { TestTerminal } from "./screen.ts";

const EVERY_MS = 200;
let open: LiveTable[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  open = [];
});
afterEach(() => {
  for (const table of open) table.close();
  vi.useRealTimers();
});

function live(stream: TestTerminal, render: () => readonly string[], env = {}): LiveTable {
  const table = liveTable({ stream, env, render, everyMs: EVERY_MS });
  open.push(table);
  return table;
}
const drawn = (): void => void vi.advanceTimersByTime(EVERY_MS);

describe("on a terminal", () => {
  test("the table stands under the log lines, and is drawn in its place", () => {
    const stream = new TestTerminal({ columns: 40, rows: 10 });
    let count = 0;
    const table = live(stream, () => ["HEAD", `count ${count}`]);
    expect(stream.lines).toEqual(["HEAD", "count 0", ""]);
    table.write("first\n");
    table.write("second\n");
    count = 1;
    drawn();
    expect(stream.lines).toEqual(["first", "second", "HEAD", "count 1", ""]);
    table.write("third\n");
    drawn();
    expect(stream.lines).toEqual(["first", "second", "third", "HEAD", "count 1", ""]);
    expect(stream.cursor).toEqual({ row: 5, column: 0 });
  });

  test("a table that shrinks leaves nothing behind", () => {
    const stream = new TestTerminal({ columns: 40, rows: 10 });
    let lines = ["one", "two", "three"];
    live(stream, () => lines);
    lines = ["one"];
    drawn();
    expect(stream.lines).toEqual(["one", ""]);
  });

  test("nothing is drawn while nothing changes", () => {
    const stream = new TestTerminal({ columns: 40, rows: 10 });
    live(stream, () => ["HEAD"]);
    for (let n = 0; n < 50; n += 1) drawn();
    expect(stream.writes).toHaveLength(1);
  });

  test("however many lines come, it is drawn five times a second, each time at once", () => {
    const stream = new TestTerminal({ columns: 40, rows: 10 });
    const table = live(stream, () => ["HEAD"]);
    for (let ms = 0; ms < 1_000; ms += 1) {
      table.write(`line ${ms}\n`);
      vi.advanceTimersByTime(1);
    }
    expect(stream.writes).toHaveLength(1 + 1_000 / EVERY_MS);
    expect(stream.lines.slice(-3)).toEqual(["line 999", "HEAD", ""]);
    expect(stream.lines).toHaveLength(1_000 + 2);
  });

  test("a log line longer than the window is broken by the terminal and the table still stands", () => {
    const stream = new TestTerminal({ columns: 10, rows: 10 });
    const table = live(stream, () => ["HEAD"]);
    table.write("a line of 22 characters\n");
    drawn();
    table.write("next\n");
    drawn();
    expect(stream.lines).toEqual(["a line of", "22 charact", "ers", "next", "HEAD", ""]);
  });

  test("a line without its end is ended", () => {
    const stream = new TestTerminal({ columns: 40, rows: 10 });
    const table = live(stream, () => ["HEAD"]);
    table.write("no end");
    drawn();
    expect(stream.lines).toEqual(["no end", "HEAD", ""]);
  });

  test("the table is asked to fit, with a line and a column to spare", () => {
    const sizes: object[] = [];
    const stream = new TestTerminal({ columns: 80, rows: 24 });
    open.push(
      liveTable({
        stream,
        env: {},
        render: (size) => {
          sizes.push(size);
          return ["HEAD"];
        },
      }),
    );
    expect(sizes).toEqual([{ width: 79, rows: 22, colour: false }]);
  });

  test("a table with more lines than the window has is cut, so that it can be taken away again", () => {
    const stream = new TestTerminal({ columns: 40, rows: 6 });
    let name = "a";
    const table = live(stream, () => Array.from({ length: 50 }, (_, n) => `${name}${n}`));
    table.write("log\n");
    name = "b";
    drawn();
    expect(stream.lines).toEqual(["log", "b0", "b1", "b2", "b3", ""]);
  });

  test.each([25, 12, 60])("a window resized to %i columns leaves one table", (columns) => {
    const stream = new TestTerminal({ columns: 40, rows: 20 });
    const table = live(stream, () => ["x".repeat(Math.min(39, stream.columns - 1)), "short"]);
    table.write("log\n");
    drawn();
    stream.resize(columns);
    drawn();
    expect(stream.lines).toEqual(["log", "x".repeat(Math.min(39, columns - 1)), "short", ""]);
  });
});

describe("at the end", () => {
  test("what waited is written, the last table stays, and later lines go straight through", () => {
    const stream = new TestTerminal({ columns: 40, rows: 10 });
    let state = "running";
    const table = live(stream, () => [state]);
    table.write("last words\n");
    state = "done";
    table.close();
    table.close();
    table.write("summary\n");
    for (let n = 0; n < 5; n += 1) drawn();
    expect(stream.lines).toEqual(["last words", "done", "summary", ""]);
  });

  test("it takes its listeners along", () => {
    const before = [process.listenerCount("exit"), process.listenerCount("uncaughtExceptionMonitor")];
    live(new TestTerminal({ columns: 40, rows: 10 }), () => ["x"]).close();
    expect([process.listenerCount("exit"), process.listenerCount("uncaughtExceptionMonitor")]).toEqual(
      before,
    );
  });

  test.each([
    ["an exception", "throw new Error('broken');", 1],
    ["process.exit", "process.exit(130);", 130],
    ["the end of the program", "", 0],
  ])("%s loses no line and leaves the cursor under the table", (_, ending, code) => {
    const file = join(import.meta.dirname, "../../../adapters/cli/live_table.ts");
    const program = `
      import { writeSync } from "node:fs";
      import { liveTable } from ${JSON.stringify(file)};
      const stream = { isTTY: true, columns: 40, rows: 10, write: (text) => writeSync(1, text) };
      const table = liveTable({ stream, env: {}, render: () => ["TABLE"] });
      table.write("last words\\n");
      ${ending}`;
    // Both streams end on one screen, as they do for whoever watches.
    const args = ["-c", 'exec "$0" --input-type=module -e "$1" 2>&1', process.execPath, program];
    const ended = spawnSync("sh", args, { encoding: "utf8", timeout: 20_000 });
    const terminal = new TestTerminal({ columns: 200, rows: 50 });
    terminal.write(ended.stdout);
    expect(terminal.lines.slice(0, 2)).toEqual(["last words", "TABLE"]);
    expect(terminal.lines.slice(2).join("\n")).toMatch(code === 1 ? /Error: broken/ : /^$/);
    expect(ended.status).toBe(code);
  });
});

describe("where a cursor cannot be moved", () => {
  const lines: string[] = [];
  beforeEach(() => void lines.splice(0));
  const write = (text: string): number => lines.push(text);

  test.each([
    ["a file or a pipe", { write }, {}],
    ["a dumb terminal", { write, isTTY: true, columns: 80, rows: 24 }, { TERM: "dumb" }],
  ])("%s gets the log lines as they come, and nothing else", (_, stream, env) => {
    const table = liveTable({ stream, env, render: () => ["TABLE"] });
    table.write("one\n");
    expect(lines).toEqual(["one\n"]);
    drawn();
    table.close();
    expect(lines).toEqual(["one\n"]);
  });
});

describe("colours", () => {
  const colourOf = (stream: object): boolean => {
    const table = liveTable({ stream: { write: () => {}, ...stream }, env: { NAME: "x" }, render: () => [] });
    table.close();
    return table.colour;
  };
  test("are shown on a terminal that has them in this environment", () => {
    const hasColors = vi.fn(() => true);
    expect(colourOf({ isTTY: true, hasColors })).toBe(true);
    expect(hasColors).toHaveBeenCalledWith({ NAME: "x" });
  });
  test("are not shown otherwise", () => {
    expect(colourOf({ isTTY: true, hasColors: () => false })).toBe(false);
    expect(colourOf({ isTTY: true })).toBe(false);
    expect(colourOf({ hasColors: () => true })).toBe(false);
  });
});
