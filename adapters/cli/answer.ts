// What a command has to say at its end, and where it says it.
import { EXIT, type ExitCode } from "./exit_codes.ts";

export interface Answer {
  readonly exitCode: ExitCode;
  /** For standard output. Empty: nothing. */
  readonly text: string;
  /** For standard error. Empty: nothing. */
  readonly errors: string;
}

/** It went well. */
export function done(text = ""): Answer {
  return { exitCode: EXIT.ok, text, errors: "" };
}

/** It did not. */
export function failed(errors: string, exitCode: ExitCode = EXIT.failed): Answer {
  return { exitCode, text: "", errors };
}

/** Writes an answer, each part with a line break at its end, and returns its exit code. */
export function speak({ exitCode, text, errors }: Answer): ExitCode {
  if (errors !== "") process.stderr.write(ended(errors));
  if (text !== "") process.stdout.write(ended(text));
  return exitCode;
}

function ended(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
