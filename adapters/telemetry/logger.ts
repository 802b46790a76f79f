// The log: pino, one JSON object a line, or readable lines on a terminal. Everything written here is free of secrets.
import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Clock } from "../../actors/ports.ts";
import type { LogLine } from "./lines.ts";
import { redact, redactText } from "./redaction.ts";

export interface LoggerOptions {
  /** Where lines go, one `write` a line. Its errors are its owner's: a closed pipe must not end a supervisor. */
  readonly stream: { write(text: string): unknown };
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
  /** Readable lines for people instead of JSON. */
  readonly pretty: boolean;
  readonly colour?: boolean;
  /** Fields of every line, such as service, version and mode. */
  readonly base: Readonly<Record<string, string | number>>;
  /** The clock of the run, so that a paper run's log tells the time of the paper world. */
  readonly clock: Pick<Clock, "now">;
}

export interface Logger {
  log(line: LogLine): void;
}

/** A log that is written before `log` returns: in this thread, without a worker, which `--permission` would deny. */
export function createLogger({ stream, level, pretty, colour, base, clock }: LoggerOptions): Logger {
  const isTalkative = level === "debug" || level === "trace";
  const destination = pretty ? prettyStream(stream, colour ?? false, isTalkative) : stream;
  const reserved = new Set(["level", "time", "msg", ...Object.keys(base)]);
  const instance = pino(
    {
      level,
      base: { ...base },
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // Errors are plain data by then.
      serializers: { err: (error: unknown) => error },
    },
    destination,
  );
  return {
    log(line) {
      if (!instance.isLevelEnabled(line.level)) return;
      instance[line.level](fieldsOf(line, reserved), redactText(line.msg));
    },
  };
}

/** A field may not take the place of a line's own time, level or message. */
function fieldsOf({ fields }: LogLine, reserved: ReadonlySet<string>): object {
  const clean = Object.entries(redact(fields) ?? {});
  return Object.fromEntries(clean.map(([key, value]) => [reserved.has(key) ? `${key}_` : key, value]));
}

/** pino-pretty's formatter without its stream, which would write later than it was told to. */
function prettyStream(stream: LoggerOptions["stream"], colorize: boolean, showFields: boolean) {
  const prettify = prettyFactory({
    colorize,
    hideObject: !showFields,
    singleLine: true,
    translateTime: "UTC:yyyy-mm-dd HH:MM:ss",
    ignore: "pid,hostname,service,version,mode,line",
  });
  // Whether the formatter ends a line depends on what it shows.
  return { write: (text: string) => void stream.write(`${prettify(text).trimEnd()}\n`) };
}
