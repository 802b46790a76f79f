// A long recording without a long run: what the machine really did with one symbol, written down again for many of them.
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { recordLine } from "../../adapters/recording/mod.ts";
import { type ClientOrderId, clientOrderId, TradingSymbol } from "../../machines/mod.ts";
import { BONK, LEDGER, noBuyer, Scenario } from "../machines/scenario.ts";

export interface Size {
  readonly records: number;
  readonly symbols: number;
}

const WRITE_CHARS = 1024 * 1024;
/** Symbols that are sold at the same time: so many are let in by a cycle, and the next ones when those are done. */
const GROUP = 100;
/** Lines of one symbol until the next group's turn: a run of failures, the rest, and what it takes to sell. */
const TURN = 25;

/** Writes what `purgatory journal` would have written of many symbols that are sold at the same time. Returns its bytes. */
export function writeRecording(file: string, { records, symbols }: Size): number {
  const each = Math.ceil(records / symbols);
  const { lines, ids } = template(each);
  const cast = Array.from({ length: symbols }, (_, index) => {
    const symbol = TradingSymbol.make(`B${String(index).padStart(5, "0")}-USD`);
    return { symbol, ids: ids.map((id) => clientOrderId({ ...id, ledgerId: LEDGER, symbol })) };
  });
  const output = openSync(file, "w");
  let bytes = 0;
  let waiting = "";
  const write = (): void => {
    bytes += writeSync(output, waiting);
    waiting = "";
  };
  let seq = 0;
  for (const { line, actor } of inTurns(lines, cast)) {
    if (seq === records) break;
    seq += 1;
    waiting += `${filled(line, seq, actor)}\n`;
    if (waiting.length > WRITE_CHARS) write();
  }
  write();
  // What reads it next is not measured beside a disk that still writes.
  fsyncSync(output);
  closeSync(output);
  return bytes;
}

function* inTurns(lines: readonly Line[], cast: readonly Actor[]) {
  for (let from = 0; from < lines.length; from += TURN)
    for (let first = 0; first < cast.length; first += GROUP)
      for (const line of lines.slice(from, from + TURN))
        for (const actor of cast.slice(first, first + GROUP)) yield { line, actor };
}

/** Texts between places: `#` is the number, `$` the symbol, a number the id of that order. */
type Line = readonly (string | number)[];

interface Actor {
  readonly symbol: string;
  readonly ids: readonly string[];
}

function filled(line: Line, seq: number, { symbol, ids }: Actor): string {
  let text = "";
  for (const part of line) {
    if (part === "$") text += symbol;
    else if (part === "#") text += seq;
    else text += typeof part === "number" ? ids[part] : part;
  }
  return text;
}

/** The order ids of a story are made of these, its symbol, and its ledger. */
interface OrderName {
  readonly attempt: number;
  readonly slice: number;
  readonly revision: number;
}

/** The first `count` steps of one symbol's story as lines with places in them. */
function template(count: number): { readonly lines: readonly Line[]; readonly ids: readonly OrderName[] } {
  const names = new Map<ClientOrderId, OrderName>();
  const scenario = tell(count, names);
  const known = [...names.keys()];
  const place = new RegExp(`(${[BONK, ...known].join("|")}|(?<=^.{0,100}"seq":)1(?=,))`);
  const lines = scenario.steps.slice(0, count).map((step, index) => {
    const event = scenario.events[index];
    if (event === undefined) throw new Error("a step without an event");
    const { at } = event;
    const line = recordLine({ ledger_id: LEDGER, seq: 1, at, symbol: BONK, event, ...step });
    return line.split(place).map((part, at) => (at % 2 === 0 ? part : placeOf(part, known)));
  });
  return { lines, ids: [...names.values()] };
}

function placeOf(part: string, known: readonly string[]): string | number {
  if (part === "1") return "#";
  return part === BONK ? "$" : known.indexOf(part);
}

/** Three refusals, the rest, slices without a buyer, with part of one, and sold at last; again and again. */
function tell(count: number, names: Map<ClientOrderId, OrderName>): Scenario {
  const scenario = new Scenario();
  const send = scenario.send.bind(scenario);
  scenario.send = (event) => {
    const step = send(event);
    const attempt = scenario.run.context.attempt;
    if (attempt?.order) {
      const { number, slice, revision } = attempt;
      names.set(attempt.order.request.client_order_id, { attempt: number, slice, revision });
    }
    return step;
  };
  while (scenario.steps.length < count) {
    scenario.fail(3).reachDeadline();
    scenario.send(scenario.request());
    noBuyer(scenario.wait(300));
    partlySold(scenario.wait(300));
    scenario.wait(300).send(scenario.quote({ available: "400000.0" }));
    scenario.wait(300).send(scenario.accepted());
    scenario.wait(4_000).send(scenario.filled());
    scenario.wait(300).send(scenario.quote({ available: "0" }));
    scenario.wait(60_000).send(scenario.held());
  }
  return scenario;
}

function partlySold(scenario: Scenario): void {
  scenario.send(scenario.quote());
  scenario.wait(300).send(scenario.accepted());
  const half = { filled_size: "200000", filled_value: "2.13", fee: "0.01" };
  scenario.wait(9_000).send(scenario.update(half));
  scenario.reachDeadline();
  scenario.wait(300).send(scenario.cancelled(half));
}
