// A ledger's steps for tests of recordings.
import { recordLine } from "../../../adapters/recording/mod.ts";
import { type PurgeEvent, TradingSymbol, type Transition } from "../../../machines/mod.ts";
import { recordingOf, story } from "../../machines/recordings.ts";
import { BONK, LEDGER, Scenario } from "../../machines/scenario.ts";

export const SEI = TradingSymbol.make("SEI-USD");

/** BONK fails three times, rests, and is sold; SEI fails twice. */
export const transitions: readonly Transition[] = recordingOf(story(), new Scenario({}, SEI).fail(2)).map(
  ({ machine: _, ...record }) => record,
);
export const lines: readonly string[] = transitions.map(recordLine);

/** The line of a step, taken by itself, that brings an exchange's body along. */
export function refusedWith(raw: string): string {
  const scenario = new Scenario();
  scenario.send(scenario.request());
  scenario.send(scenario.quote());
  const refused = scenario.rejected();
  const event: PurgeEvent = { ...refused, rejection: { ...refused.rejection, raw_response: raw } };
  const { path, state, commands, snapshot } = scenario.send(event);
  return recordLine({
    ledger_id: LEDGER,
    seq: 3,
    at: event.at,
    symbol: BONK,
    event,
    path,
    state,
    commands,
    snapshot,
  });
}
