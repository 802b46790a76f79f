// The bus of a process that runs for long: how it is opened, what it answers to there, and its server where that is ours.
import type { NatsConnection } from "@nats-io/transport-node";
import type { Operators } from "../../actors/ports.ts";
import { tokenAccess } from "../../config/mod.ts";
import { type OpenBus, openBus, type Role } from "../bus/mod.ts";
import { type Claim, claimName, refuseOthers, startControlService } from "../control/mod.ts";
import { type RunningServer, startNatsServer } from "../nats_server/mod.ts";
import { natsSettings } from "./bus_access.ts";
import { type Mode, natsServerDir } from "./ledger_paths.ts";
import { patiently } from "./patience.ts";
import type { Stage } from "./stage.ts";

/** Fits a supervisor as a child. */
interface Stoppable {
  stop(reason?: "shutdown" | "killed"): void | Promise<void>;
}
/** What the control service speaks for; each is null while it is not there. */
interface Controlled {
  readonly operators: Operators;
  readonly ledgerId: () => string | null;
  readonly symbols: () => { view(symbol: string): { readonly suspendedFor: string | null } | null } | null;
}
/** What a supervisor gives a child. */
interface Link {
  readonly signal: AbortSignal;
  exit(reason: { readonly crash: Error }): void;
}

/** What one program on a bus may be, and no second. */
const CLAIMS = {
  "purgatory-supervisor": "Decides what is sold, and when",
  "purgatory-gateway": "Places orders for a supervisor",
} as const;
type ClaimedName = keyof typeof CLAIMS;

export interface RunBusOptions {
  /** Of this program. */
  readonly version: string;
  readonly mode: Mode;
  readonly role: Role;
}

export class RunBus {
  readonly #stage: Stage;
  readonly #options: RunBusOptions;
  #opened: OpenBus | null = null;
  #server: RunningServer | null = null;

  constructor(stage: Stage, options: RunBusOptions) {
    this.#stage = stage;
    this.#options = options;
  }

  /** Its address; null: in this process. */
  get url(): string | null {
    const { access } = this.#stage;
    return this.#server?.url ?? (access.kind === "server" ? access.url : null);
  }

  async open(): Promise<OpenBus> {
    const { clock, observe, access } = this.#stage;
    const { mode, role } = this.#options;
    const own = this.#server === null ? null : tokenAccess(this.#server.url, this.#server.token);
    const nats = access.kind === "server" ? access.nats : own;
    const settings = nats === null ? null : natsSettings(nats, `purgatory ${role}`);
    this.#opened = await openBus({
      ...{ nats: settings, role, mode, clock, observe },
      // Before anything is changed there: a second supervisor would throw away the first one's orders.
      check: (connection) =>
        patiently(async () => {
          for (const name of this.#names) await refuseOthers(connection, name);
        }),
    });
    return this.#opened;
  }

  /** Sees to it that nobody else does on this bus what this process does.
   *
   * @throws ClaimedError when somebody is
   */
  async claim(): Promise<Stoppable> {
    const release = this.#stage.clock.hold();
    try {
      const claims = await patiently(() => this.#claimAll());
      return { stop: () => stopAll(claims) };
    } finally {
      release();
    }
  }

  async #claimAll(): Promise<readonly Claim[]> {
    const { version, mode } = this.#options;
    const claimed = await Promise.allSettled(
      this.#names.map((name) =>
        claimName(this.#connection, { name, description: CLAIMS[name], version, mode }),
      ),
    );
    const claims = claimed.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const failed = claimed.find((one) => one.status === "rejected");
    if (failed === undefined) return claims;
    // Or the next try would find the one that succeeded, and take it for another program's.
    await stopAll(claims);
    throw failed.reason;
  }

  /** Answers operators, until the bus is closed or the service is refused. */
  async control({ operators, ledgerId, symbols }: Controlled, link: Link): Promise<Stoppable> {
    const { clock, observe, telemetry } = this.#stage;
    const { version, mode } = this.#options;
    const service = await patiently(() =>
      startControlService({
        connection: this.#connection,
        version,
        mode,
        ledgerId: ledgerId() ?? "",
        operators,
        status: () => telemetry.overview(),
        symbol: (symbol) => telemetry.tracker.symbols().find((one) => one.symbol === symbol) ?? null,
        suspendedFor: (symbol) => symbols()?.view(symbol)?.suspendedFor ?? null,
        clock,
        observe,
      }),
    );
    void service.stopped.then((error) => {
      if (error !== null) link.exit({ crash: error });
    });
    return { stop: () => service.stop() };
  }

  /** Starts a server of our own, in the state directory. */
  async spawn(stateDir: string, link: Link): Promise<Stoppable> {
    const { clock, observe } = this.#stage;
    const server = await startNatsServer({
      dir: natsServerDir(stateDir),
      env: process.env,
      observe,
      signal: link.signal,
      exit: (error) => link.exit({ crash: error }),
    });
    this.#server = server;
    return {
      async stop(reason) {
        if (reason === "killed") return server.kill();
        const release = clock.hold();
        await server.stop().finally(release);
      },
    };
  }

  get #names(): readonly ClaimedName[] {
    const { role } = this.#options;
    return role === "both" ? ["purgatory-supervisor", "purgatory-gateway"] : [`purgatory-${role}`];
  }

  get #connection(): NatsConnection {
    const connection = this.#opened?.connection ?? null;
    if (connection === null) throw new Error("the bus is in this process, or not open yet");
    return connection;
  }
}

async function stopAll(claims: readonly Claim[]): Promise<void> {
  await Promise.all(claims.map((claim) => claim.stop()));
}
