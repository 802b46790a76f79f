// What a command needs to give the paper exchange a place in the world: its script, its file, and its time.
import { join } from "node:path";
import type { Clock, Exchange } from "../../actors/ports.ts";
import { shippedConfigDir } from "../../config/mod.ts";
import { pacedClock, systemClock } from "../clock/mod.ts";
import { openPaperExchange, type PaperScript, PaperScriptError, readPaperScript } from "../exchange/mod.ts";
import { ledgerTime } from "../journal/mod.ts";
import type { RunCommand } from "./command.ts";
import { ledgerPaths, type Mode } from "./ledger_paths.ts";

type ScriptRead =
  | { readonly ok: true; readonly script: PaperScript }
  | { readonly ok: false; readonly problems: readonly string[] };

/** The paper exchange's script, or all that is wrong with it. Null: the one that ships with the package. */
export function readScript(file: string | null): ScriptRead {
  try {
    return { ok: true, script: readPaperScript(file ?? join(shippedConfigDir, "paper.yaml")) };
  } catch (error) {
    if (error instanceof PaperScriptError) return { ok: false, problems: error.problems };
    throw error;
  }
}

export async function openPaper(
  { stateDir, mode }: { readonly stateDir: string; readonly mode: Mode },
  script: PaperScript,
  clock: Clock,
): Promise<Exchange> {
  return openPaperExchange({ file: ledgerPaths(stateDir, mode).exchange, script, clock });
}

/** Real time; or, for a paper world, time that runs faster. Such a world goes on from where its ledger stopped: it stands
 * still while nobody runs it. */
export async function openClock({
  stateDir,
  mode,
  speed,
}: Pick<RunCommand, "stateDir" | "mode" | "speed">): Promise<Clock & { close(): void }> {
  const lastAt = await ledgerTime(ledgerPaths(stateDir, mode).journal);
  const now = Date.now();
  if (speed !== 1) return pacedClock(lastAt ?? now, speed);
  return lastAt === null || lastAt <= now ? systemClock() : pacedClock(lastAt, 1);
}
