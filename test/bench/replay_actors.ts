// What replay is measured against: one bare XState actor a symbol, of the same machine.
import { type Actor, createActor } from "xstate";
import { type PurgeEvent, purgeMachine, type TradingSymbol } from "../../machines/mod.ts";

export interface Given {
  readonly ledger_id: string;
  readonly symbol: TradingSymbol;
  readonly event: PurgeEvent;
}

/** Sends each event to the actor of its symbol, which it starts at the first. */
export function bareActors(): (given: Given) => void {
  const actors = new Map<string, Actor<typeof purgeMachine>>();
  return ({ ledger_id: ledgerId, symbol, event }) => {
    let actor = actors.get(symbol);
    if (actor === undefined) {
      actor = createActor(purgeMachine, { input: { ledgerId, symbol } });
      actor.start();
      actors.set(symbol, actor);
    }
    actor.send(event);
  };
}
