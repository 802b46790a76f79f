// The gateway of this program for tests of the check: over a real server, on the paper exchange shipped for the check.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Result from "effect/Result";
import { onTestFinished } from "vitest";
import { type GatewayTree, startGatewayTree } from "../../../actors/gateway_tree.ts";
import type { Observation } from "../../../actors/ports.ts";
import { type NatsSettings, type OpenBus, openBus } from "../../../adapters/bus/mod.ts";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { claimName } from "../../../adapters/control/mod.ts";
import { openPaperExchange, type PaperExchange, readPaperScript } from "../../../adapters/exchange/mod.ts";
import { loadConfig, shippedConfigDir } from "../../../config/mod.ts";

type Started = Awaited<ReturnType<typeof startGatewayTree>>;

export interface OurGateway {
  readonly started: Started;
  readonly observed: readonly Observation[];
  readonly exchange: () => PaperExchange | undefined;
}

/** Started, or refused; stopped when the test ends. */
export async function startOurGateway(nats: NatsSettings): Promise<OurGateway> {
  const dir = mkdtempSync(join(tmpdir(), "purgatory-check-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const loaded = loadConfig(shippedConfigDir, {});
  if (!loaded.ok) throw new Error("the shipped configuration is not valid");
  const { app } = loaded.config;
  const clock = systemClock();
  onTestFinished(() => clock.close());
  const observed: Observation[] = [];
  const observe = (observation: Observation): void => {
    observed.push(observation);
  };
  const exchanges: PaperExchange[] = [];
  const buses: OpenBus[] = [];
  const started = await startGatewayTree({
    clock,
    observe,
    openBus: async () => {
      const bus = await openBus({ nats, role: "gateway", mode: "paper", clock, observe });
      buses.push(bus);
      return bus;
    },
    claim: async () => {
      const connection = buses.at(-1)?.connection;
      if (connection === undefined || connection === null) throw new Error("the bus has no connection");
      const name = { name: "purgatory-gateway", description: "A gateway under test" };
      return claimName(connection, { ...name, version: "0.0.0", mode: "paper" });
    },
    openExchange: async () => {
      const script = readPaperScript(join(shippedConfigDir, "gateway_check.yaml"));
      const exchange = openPaperExchange({ file: join(dir, "exchange.sqlite"), script, clock });
      exchanges.push(exchange);
      return exchange;
    },
    gateway: { ...app.gateway, breaker: app.breaker, seed: 1 },
  });
  onTestFinished(() => stop(started));
  return { started, observed, exchange: () => exchanges.at(-1) };
}

async function stop(started: Result.Result<GatewayTree, Error>): Promise<void> {
  if (Result.isSuccess(started)) await started.success.root.stop();
}
