// One durable step as one line of JSON: how a recording is written, and how each line of one is read back.
import { Schema } from "effect";
import {
  isOfOneSymbol,
  PurgeEvent,
  type RecordedStep,
  SNAPSHOT_VERSION,
  type Timestamp,
  TradingSymbol,
  type Transition,
  transitionFields,
} from "../../machines/mod.ts";
import { withoutPrivateData } from "./private_data.ts";

/** The version of the line itself. Raised when a reader of the older one would misread the newer. */
export const RECORDING_FORMAT = 1;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** A line of a recording: a transition as it is on the bus, the version of the line, and that of the machine. */
export const RecordLine = Schema.Struct({
  format: Schema.Literal(RECORDING_FORMAT),
  machine: Count,
  ...transitionFields,
}).check(isOfOneSymbol);

/** A step as a line, without a line break, and without what nobody else may read. */
export function recordLine({
  ledger_id,
  seq,
  at,
  symbol,
  event,
  path,
  state,
  commands,
  snapshot,
}: Transition): string {
  const machine = versionOf(snapshot);
  // The snapshot comes last: a reader that does not need it does not parse it.
  const line = {
    format: RECORDING_FORMAT,
    machine,
    ledger_id,
    seq,
    at,
    symbol,
    event,
    path,
    state,
    commands,
    snapshot,
  };
  return withoutPrivateData(JSON.stringify(line));
}

/** A step, and the bytes that it was read from, for as long as its snapshot may be asked for. */
export interface ReadRecord extends RecordedStep {
  /** The same with bytes of its own, for whoever keeps many: a line may be a part of a large buffer. */
  detached(): RecordedStep;
  /** A second look, in full: `problemIn` its line. */
  problem(): string | null;
}

export type ReadLine =
  | { readonly ok: true; readonly record: ReadRecord }
  /** `isForeign`: of a format or a machine that is not known here; the other lines of a file will be, too. */
  | { readonly ok: false; readonly problem: string; readonly isForeign: boolean };

/** Reads a line, as fast as may be: whether event and commands are all that they should be is left to `problemIn`, for a
 * line that a machine does not come to the same with. */
export function readRecordLine(given: Uint8Array | string): ReadLine {
  const bytes = bytesOf(given);
  const line = parseHead(bytes);
  if (line === null) return bad(problemIn(bytes) ?? "is not a line of a recording");
  const { format, machine } = line;
  if (typeof format === "number" && format !== RECORDING_FORMAT) {
    const advice = "read it with the purgatory that wrote it, or a later one";
    return bad(`is of format ${format}; expected ${RECORDING_FORMAT}; ${advice}`, true);
  }
  if (typeof machine === "number" && machine > SNAPSHOT_VERSION) {
    const advice = "replay it with a purgatory at least as new as the one that recorded it";
    return bad(
      `was recorded by version ${machine} of the machine; this is version ${SNAPSHOT_VERSION}; ${advice}`,
      true,
    );
  }
  if (!isHead(line)) return bad(problemIn(bytes) ?? "is not a line of a recording");
  return { ok: true, record: new LineRecord(line, bytes) };
}

/** What is wrong with a line, in full; null when nothing is. */
export function problemIn(line: Uint8Array | string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(bytesOf(line).toString());
  } catch (error) {
    return `is not JSON (${firstLine(error)}); expected one record a line, as purgatory journal writes them`;
  }
  const exit = decode(value);
  if (exit._tag === "Success") return null;
  return `is not a record: ${exit.failure.message.replace(/\s*\n\s*/g, " ")}`;
}

const decode = (value: unknown) => Schema.decodeUnknownResult(RecordLine)(value);

function bad(problem: string, isForeign = false): ReadLine {
  return { ok: false, problem, isForeign };
}

/** V8 shows the text, over several lines. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1).join().slice(0, 120);

function versionOf(snapshot: unknown): number {
  const version = isKeyed(snapshot) ? snapshot["version"] : null;
  return typeof version === "number" ? version : SNAPSHOT_VERSION;
}

type Keyed = Readonly<Record<string, unknown>>;
type Head = Omit<RecordedStep, "snapshot"> & { readonly format: number };
/** The end of the commands, and what comes after them. A bracket is rarer than a comma, and so sooner found. */
const CUT = Buffer.from('],"snapshot":');
/** How a line begins, and no other place in one. */
const START = Buffer.from(`{"format":${RECORDING_FORMAT},"machine":`);
/** `}` */
const BRACKET = 125;

/** The line up to its snapshot where that stands last, else all of it. Within a text the quotes would carry backslashes, and
 * within an object the rest would lack a bracket: what can be parsed was cut at the right place. */
function parseHead(line: Buffer): Keyed | null {
  const at = line.indexOf(CUT);
  if (at !== -1 && isLikelyWhole(line)) {
    const head = parse(`${line.toString("utf8", 0, at + 1)}}`);
    if (head !== null) return head;
  }
  const whole = parse(line.toString());
  return whole !== null && "snapshot" in whole ? whole : null;
}

/** Context, snapshot and line end together, in one line that no other was glued to. Not a proof: whoever has the last line of a
 * file, without an end, looks at it in full. */
function isLikelyWhole(line: Buffer): boolean {
  const last = line.length - 1;
  return (
    line[last] === BRACKET &&
    line[last - 1] === BRACKET &&
    line[last - 2] === BRACKET &&
    line.indexOf(START, 1) === -1
  );
}

function bytesOf(line: Uint8Array | string): Buffer {
  if (typeof line === "string") return Buffer.from(line);
  return Buffer.isBuffer(line) ? line : Buffer.from(line.buffer, line.byteOffset, line.byteLength);
}

function parse(text: string): Keyed | null {
  try {
    const value: unknown = JSON.parse(text);
    return isKeyed(value) ? value : null;
  } catch {
    return null;
  }
}

function isKeyed(value: unknown): value is Keyed {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isSymbol = Schema.is(TradingSymbol);
const EVENTS: ReadonlySet<unknown> = new Set(PurgeEvent.members.map(({ fields }) => fields.type.literal));
/** The symbols of a recording are few. */
const symbols = new Set<unknown>();
const SYMBOLS_MAX = 20_000;

function isHead(line: Keyed): line is Keyed & Head {
  const { format, machine, ledger_id, seq, at, symbol, event, path, state, commands } = line;
  return (
    format === RECORDING_FORMAT &&
    Number.isSafeInteger(machine) &&
    typeof ledger_id === "string" &&
    Number.isSafeInteger(seq) &&
    typeof at === "string" &&
    isKnownSymbol(symbol) &&
    isKeyed(event) &&
    event["symbol"] === symbol &&
    event["at"] === at &&
    EVENTS.has(event["type"]) &&
    Array.isArray(path) &&
    typeof state === "string" &&
    Array.isArray(commands)
  );
}

function isKnownSymbol(symbol: unknown): boolean {
  if (symbols.has(symbol)) return true;
  if (!isSymbol(symbol)) return false;
  if (symbols.size < SYMBOLS_MAX) symbols.add(symbol);
  return true;
}

/** Parses its snapshot when somebody asks for it. */
class LineRecord implements ReadRecord {
  readonly machine: number;
  readonly ledger_id: string;
  readonly seq: number;
  readonly at: Timestamp;
  readonly symbol: RecordedStep["symbol"];
  readonly event: RecordedStep["event"];
  readonly path: readonly string[];
  readonly state: string;
  readonly commands: RecordedStep["commands"];
  readonly #line: Buffer;

  constructor(head: Omit<RecordedStep, "snapshot">, line: Buffer) {
    this.machine = head.machine;
    this.ledger_id = head.ledger_id;
    this.seq = head.seq;
    this.at = head.at;
    this.symbol = head.symbol;
    this.event = head.event;
    this.path = head.path;
    this.state = head.state;
    this.commands = head.commands;
    this.#line = line;
  }

  /** Null where it is broken, which no machine can begin from. */
  get snapshot(): unknown {
    return parse(this.#line.toString())?.["snapshot"] ?? null;
  }

  detached(): RecordedStep {
    return new LineRecord(this, Buffer.from(this.#line));
  }

  problem(): string | null {
    return problemIn(this.#line);
  }
}
