// Cycle and feed on a real nats-server: what a foreign program publishes, what is kept for who comes later, what an outage costs.
import { type NatsConnection, connect, headers } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type RunningCycle, startCycle } from "../../actors/cycle.ts";
import type { Observation } from "../../actors/ports.ts";
import { startTransitionFeed } from "../../actors/transition_feed.ts";
import { type OpenBus, openBus } from "../../adapters/bus/mod.ts";
import { systemClock } from "../../adapters/clock/mod.ts";
import { memoryJournal } from "../../adapters/journal/mod.ts";
import { draft } from "../adapters/journal/drafts.ts";
import { type NatsServer, startNatsServer } from "../nats_server.ts";
import { BONK, position, SEI, SETTINGS, UNIVERSE } from "./cycle_kit.ts";

const WAIT = { timeout: 20_000, interval: 20 };
const clock = systemClock();
let server: NatsServer;
let bus: OpenBus;
let foreign: NatsConnection;
let observed: Observation[];
const observe = (observation: Observation): void => {
  observed.push(observation);
};

beforeEach(async () => {
  observed = [];
  server = await startNatsServer();
  bus = await open();
  foreign = await connect({ servers: server.url, reconnect: false });
});
afterEach(async () => {
  await foreign?.close();
  await bus?.close();
  await server?.stop();
});

function open(): Promise<OpenBus> {
  const nats = { servers: server.url, name: "cycle" };
  return openBus({ nats, role: "both", mode: "live", clock, observe });
}

/** A cycle that comes once an hour; what it has heard shows in what it would start on an operator's word. */
function start(source: string | null): Promise<RunningCycle> {
  const symbols = { view: () => null, tell: () => {}, busy: 0 };
  const settings = {
    ...SETTINGS,
    rules: { ...SETTINGS.rules, maxCandidateShare: 1 },
    intervalMs: 3_600_000,
    universe: () => ({ ...UNIVERSE, excluded: new Set<string>() }),
    holdings: { source, maxAgeMs: 60_000 },
  };
  return startCycle({
    ...{ bus, clock, observe, symbols, settings, progress: { done: 0 } },
    isGatewayElsewhere: true,
    onLast: () => {},
  });
}

function publish(subject: string, body: unknown, mode: string | null): void {
  const head = headers();
  head.set("Content-Type", "application/json");
  head.set("Schema-Version", "1");
  if (mode !== null) head.set("Purge-Mode", mode);
  foreign.publish(subject, JSON.stringify(body), { headers: head });
}

test("holdings that a foreign program publishes in JSON are acted on, and those of another mode are not", async () => {
  const cycle = await start("rotation-bot");
  const holdings = (sequence: number, symbol: typeof BONK) => ({
    type: "holdings.published",
    source: "rotation-bot",
    sequence,
    at: new Date(clock.now()).toISOString(),
    positions: [position(symbol, "9")],
    eligible: ["SOL-USD"],
    excluded: null,
    note: "unknown fields are ignored",
  });
  publish("purge.v1.holdings", holdings(1, SEI), "paper");
  publish("purge.v1.holdings", { ...holdings(1, SEI), positions: "all of them" }, null);
  publish("purge.v1.holdings", holdings(Date.now(), BONK), "live");
  await vi.waitFor(() => expect(cycle.heldNow(BONK)).toBe(true), WAIT);
  expect(cycle.startNow(BONK)).toMatchObject({ ok: true, event: { reason: "operator", balance: "9" } });
  expect(cycle.startNow(SEI)).toMatchObject({ ok: false, code: "not_held" });
  const letters = observed.filter(({ kind }) => kind === "dead_letter");
  expect(letters).toMatchObject([{ reason: expect.stringContaining("paper") }, {}]);
  cycle.stop();
});

test("what a gateway that is gone said of the venue is heard by a cycle that starts after it", async () => {
  const at = new Date(clock.now()).toISOString();
  const until = new Date(clock.now() + 600_000).toISOString();
  const state = { type: "venue.state", at, state: "open", cause: "venue", reason: "503", until } as const;
  await bus.publish("venue", state);
  await bus.close();
  bus = await open();
  const cycle = await start("rotation-bot");
  const message = {
    type: "holdings.published",
    source: "rotation-bot",
    sequence: 1,
    at,
    positions: [position(BONK, "9")],
    eligible: null,
    excluded: null,
  };
  publish("purge.v1.holdings", message, null);
  await vi.waitFor(() => expect(cycle.heldNow(BONK)).toBe(true), WAIT);
  expect(cycle.startNow(BONK)).toMatchObject({ ok: false, code: "venue" });
  cycle.stop();
});

test("the stream has every step once and in order after the server was killed twice among them, and a new life goes on", async () => {
  const journal = memoryJournal();
  const link = { id: "transitions", permissions: [], signal: new AbortController().signal, exit: vi.fn() };
  const keep = async (from: number, count: number) =>
    journal.append(
      Array.from({ length: count }, (_, index) => draft(index % 2 === 0 ? BONK : SEI, from + index)),
    );
  const kept = () => bus.lastTransition(journal.ledgerId).catch(() => null);
  let feed = await startTransitionFeed({ bus, journal, clock, observe }, link);
  for (const round of [0, 1]) {
    for (const record of await keep(round * 600 + 1, 300)) feed.push(record);
    await server.kill("SIGKILL");
    for (const record of await keep(round * 600 + 301, 300)) feed.push(record);
    await server.restart();
    await vi.waitFor(() => expect(bus.connected).toBe(true), WAIT);
    await vi.waitFor(async () => expect(await kept()).toBe((round + 1) * 600), WAIT);
  }
  await feed.stop();
  await keep(1_201, 300);
  feed = await startTransitionFeed({ bus, journal, clock, observe }, link);
  await vi.waitFor(async () => expect(await kept()).toBe(1_500), WAIT);
  await feed.stop();
  expect(await storedSeqs()).toEqual(Array.from({ length: 1_500 }, (_, index) => index + 1));
  expect(link.exit).not.toHaveBeenCalled();
});

async function storedSeqs(): Promise<readonly number[]> {
  const connection = await connect({ servers: server.url });
  const { state } = await (await jetstreamManager(connection)).streams.info("PURGE_TRANSITIONS");
  const consumer = await jetstream(connection).consumers.get("PURGE_TRANSITIONS", {
    filter_subjects: "purge.v1.transitions.*",
  });
  const seqs: number[] = [];
  const messages = await consumer.fetch({ max_messages: state.messages, expires: 5_000 });
  for await (const message of messages) {
    seqs.push(Number(message.headers?.get("Nats-Msg-Id").split("/")[2]));
    if (seqs.length === state.messages) break;
  }
  await connection.close();
  return seqs;
}
