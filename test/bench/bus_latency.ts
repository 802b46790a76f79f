// From a result to the order that follows it, as a gateway in another process sees it, beside a bare round trip between
// the same two processes.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Observe } from "../../actors/ports.ts";
import { type Block, ECHO_SUBJECT, LATENCY_SYMBOLS } from "./bus_latency_protocol.ts";
import { purgeRequested, symbolsNamed } from "./bus_messages.ts";
import { ledgerDir, type Place } from "./bus_places.ts";
import { startRelay } from "./bus_relay.ts";
import { type BenchSupervisor, type Extent, startBenchSupervisor } from "./bus_supervisor.ts";

const CLIENT = join(import.meta.dirname, "bus_latency_client.ts");

interface Setup {
  readonly dir: string;
  readonly client: ChildProcess;
  readonly supervisor: BenchSupervisor;
  /** Milliseconds, as they were observed. */
  readonly commits: number[];
  readonly stopRelay: () => Promise<void>;
}

export class LatencyBench {
  readonly #setup: Setup;

  private constructor(setup: Setup) {
    this.#setup = setup;
  }

  static async open(url: string, place: Place, extent: Extent): Promise<LatencyBench> {
    const dir = await ledgerDir(place);
    const client = fork(CLIENT, [url], { serialization: "advanced" });
    await once(client, "message");
    const commits: number[] = [];
    const observe: Observe = (observation) => {
      if (observation.kind === "commit") commits.push(observation.durationMs);
    };
    const supervisor = await startBenchSupervisor({ url, dir, extent, observe });
    supervisor.connection.subscribe(ECHO_SUBJECT, { callback: (_, msg) => void msg.respond(msg.data) });
    for (const symbol of symbolsNamed("L", LATENCY_SYMBOLS)) supervisor.symbols.tell(purgeRequested(symbol));
    const stopRelay = await startRelay(supervisor.connection);
    return new LatencyBench({ dir, client, supervisor, commits, stopRelay });
  }

  /** @return milliseconds, one for each of `count` messages, sent one after the other */
  async measure(what: Block["what"], count: number): Promise<readonly number[]> {
    const block: Block = { what, count };
    this.#setup.client.send(block);
    const [elapsed]: unknown[] = await once(this.#setup.client, "message");
    if (!Array.isArray(elapsed)) throw new Error("the client did not answer with its measurements");
    return elapsed.map(Number);
  }

  /** How long the commits took that were made since this was last asked, milliseconds. */
  takeCommits(): readonly number[] {
    return this.#setup.commits.splice(0);
  }

  async close(): Promise<void> {
    const exited = once(this.#setup.client, "exit");
    this.#setup.client.disconnect();
    await exited;
    await this.#setup.stopRelay();
    await this.#setup.supervisor.stop();
    await rm(this.#setup.dir, { recursive: true, force: true });
  }
}
