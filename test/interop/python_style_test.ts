// The Python programs are as tidy as the rest, and need nothing that is not Python's own.
import { expect, test } from "vitest";
import { runPython } from "./python_program.ts";

test("every Python file is typed, short, says what it is for, and imports the standard library alone", async () => {
  expect(await runPython("check_style.py", [])).toEqual({ code: 0, lines: [], errors: "" });
});
