// What JetStream adds to the bus, over a real nats-server: nothing acknowledged is lost, whoever dies.
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection, nanos } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BusError, BusIncident, Delivery, Observation } from "../../../actors/ports.ts";
import {
  type MessageBus,
  messageBus,
  type NatsTransport,
  type NatsTransportOptions,
  natsTransport,
} from "../../../adapters/bus/mod.ts";
import { systemClock } from "../../../adapters/clock/mod.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../nats_server.ts";
import { symbolOf, typed, update } from "./bus_conformance.ts";
import { JSON_TEXT, vector } from "./vectors.ts";

interface Member {
  readonly bus: MessageBus;
  readonly transport: NatsTransport;
  readonly observations: Observation[];
  incidents(what: BusIncident): string[];
}

const closing: (() => Promise<unknown>)[] = [];
const clock = systemClock();
let server: NatsServer;

const started = async (options: NatsServerOptions = {}): Promise<NatsServer> => {
  const one = await startNatsServer(options);
  closing.push(() => one.stop());
  return one;
};
const join = async (
  options: Partial<NatsTransportOptions> & { readonly mode?: string; readonly pingIntervalMs?: number } = {},
): Promise<Member> => {
  const { role = "both", mode, pingIntervalMs = 5_000, ...rest } = options;
  const observations: Observation[] = [];
  const observe = (one: Observation): void => {
    observations.push(one);
  };
  const settings = { servers: server.url, name: "jetstream_test", pingIntervalMs };
  const transport = await natsTransport(settings, { role, observe, ...rest });
  const bus = messageBus(transport, { clock, observe, ...(mode === undefined ? {} : { mode }) });
  closing.push(() => bus.close());
  const incidents = (what: BusIncident): string[] =>
    observations.flatMap((one) => (one.kind === "bus" && one.what === what ? [one.message] : []));
  return { bus, transport, observations, incidents };
};
/** Ends a member as a kill would: it answers nothing and takes no leave. */
const kill = async ({ transport }: Member): Promise<void> => {
  await transport.connection.close();
};
const manage = (connection: NatsConnection): Promise<JetStreamManager> => jetstreamManager(connection);
const messagesIn = async (member: Member, stream: string): Promise<number> =>
  (await (await manage(member.transport.connection)).streams.info(stream)).state.messages;
const collect = async (
  { bus }: Member,
  answer: (delivery: Delivery<"results">) => void = () => {},
): Promise<Delivery<"results">[]> => {
  const taken: Delivery<"results">[] = [];
  await bus.consume("results", (delivery) => {
    taken.push(delivery);
    answer(delivery);
  });
  return taken;
};
const letters = async ({ bus }: Member): Promise<Delivery<"dead">[]> => {
  const taken: Delivery<"dead">[] = [];
  await bus.consume("dead", (delivery) => {
    taken.push(delivery);
    delivery.ack();
  });
  return taken;
};
const order = () => typed("orders", vector("order.place").body, vector("order.place").subject);
const revisions = (deliveries: readonly Delivery<"results">[]): number[] =>
  deliveries.map(({ body }) => (body.type === "order.update" ? body.revision : -1));
/** What an operator might do, for tests that cannot wait for a quarter of a minute. */
const hurry = async (
  { transport }: Member,
  stream: string,
  durable: string,
  maxDeliver: number,
): Promise<void> => {
  const manager = await manage(transport.connection);
  await manager.consumers.update(stream, durable, { ack_wait: nanos(1_000), max_deliver: maxDeliver });
};

beforeEach(async () => {
  server = await started();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe("a server that is killed and comes back", () => {
  test("keeps everything that it acknowledged, and everything else is sent again", async () => {
    const receiver = await join({ role: "supervisor" });
    const publisher = await join({ role: "gateway", ackMs: 500 });
    const seen = new Set<number>();
    await collect(receiver, (delivery) => {
      for (const revision of revisions([delivery])) seen.add(revision);
      delivery.ack();
    });
    const sent: Promise<number>[] = [];
    const publishUntilTaken = async (revision: number): Promise<number> => {
      for (;;) {
        try {
          await publisher.bus.publish("results", update(revision));
          return revision;
        } catch {
          await expect.poll(() => publisher.bus.connected, { timeout: 10_000 }).toBe(true);
        }
      }
    };
    for (let round = 0; round < 3; round += 1) {
      for (let count = 0; count < 300; count += 1) sent.push(publishUntilTaken(sent.length + 1));
      await Promise.race(sent.slice(-150));
      await server.kill("SIGKILL");
      await server.restart();
    }
    await Promise.all(sent);
    await expect.poll(() => seen.size, { timeout: 20_000 }).toBe(sent.length);
    expect(await messagesIn(receiver, "PURGE_RESULTS")).toBe(sent.length);
  });

  test("sends nothing of the past to an observer that was there all the time", async () => {
    const member = await join();
    const { body, subject } = vector("transition");
    const transition = typed("transitions", body, subject);
    const seen: number[] = [];
    await member.bus.publish("transitions", { ...transition, seq: 1 });
    await member.bus.consume("transitions", (one) => seen.push(one.body.seq));
    await server.restart();
    await expect.poll(() => member.bus.connected, { timeout: 10_000 }).toBe(true);
    await member.bus.publish("transitions", { ...transition, seq: 2 });
    await member.bus.publish("transitions", { ...transition, seq: 3 });
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual([2, 3]);
  });

  test("hears again an answer that was lost with the connection, and the handler does not get the message twice", async () => {
    const member = await join();
    const taken = await collect(member);
    await member.bus.publish("results", update(1));
    await expect.poll(() => taken.length).toBe(1);
    await server.kill("SIGKILL");
    await expect.poll(() => member.bus.connected).toBe(false);
    taken[0]?.ack();
    await server.restart();
    await expect.poll(() => member.incidents("redelivered").length, { timeout: 10_000 }).toBe(1);
    await member.bus.publish("results", update(2));
    await expect.poll(() => revisions(taken)).toEqual([1, 2]);
    taken[1]?.ack();
    const manager = await manage(member.transport.connection);
    await expect
      .poll(async () => (await manager.consumers.info("PURGE_RESULTS", "supervisor")).num_ack_pending)
      .toBe(0);
  });
});

describe("a server that does not answer", () => {
  test("gets a message as often as it takes, and keeps it once", async () => {
    const member = await join({ ackMs: 100 });
    await server.kill("SIGSTOP");
    const published: Promise<void>[] = [];
    // The signal may take a moment to arrive: the first ones are perhaps acknowledged.
    const resent = (): number => {
      published.push(member.bus.publish("results", update(published.length)));
      return member.incidents("resent").length;
    };
    await expect.poll(resent, { timeout: 10_000 }).toBeGreaterThan(5);
    await server.kill("SIGCONT");
    await Promise.all(published);
    expect(await messagesIn(member, "PURGE_RESULTS")).toBe(published.length);
    expect(member.incidents("duplicate").length).toBeGreaterThan(0);
  });

  test("gets no order whose time is over; whoever sent it is told, also while there is no connection", async () => {
    const member = await join({ ackMs: 100, orderMs: 500 });
    await server.kill("SIGSTOP");
    // The signal may take a moment to arrive: the first ones are perhaps acknowledged.
    const published: Promise<string>[] = [];
    const resent = (): number => {
      published.push(
        member.bus.publish("orders", order()).then(
          () => "kept",
          (error: BusError) => error.reason,
        ),
      );
      return member.incidents("resent").length;
    };
    await expect.poll(resent, { timeout: 10_000 }).toBeGreaterThan(0);
    await server.kill("SIGKILL");
    const outcomes = await Promise.all(published);
    expect(new Set(outcomes.slice(-2))).toEqual(new Set(["disconnected"]));
    await server.restart();
    await expect.poll(() => member.bus.connected, { timeout: 10_000 }).toBe(true);
    await member.bus.publish("results", update(1));
    const kept = outcomes.filter((outcome) => outcome === "kept").length;
    expect(await messagesIn(member, "PURGE_ORDERS")).toBe(kept);
  });

  test("is found out by its missing heartbeats", async () => {
    const member = await join({ heartbeatMs: 500, pingIntervalMs: 60_000 });
    await collect(member);
    await server.kill("SIGSTOP");
    await expect
      .poll(() => member.incidents("heartbeat_missed").length, { timeout: 10_000 })
      .toBeGreaterThan(0);
    await server.kill("SIGCONT");
    await member.bus.publish("results", update(1));
  });

  test("is found out by its missing pongs, and looked for elsewhere", async () => {
    const member = await join({ pingIntervalMs: 100 });
    await server.kill("SIGSTOP");
    await expect.poll(() => member.bus.connected, { timeout: 10_000 }).toBe(false);
    expect(member.incidents("stale_connection")).toHaveLength(1);
    await server.kill("SIGCONT");
    await expect.poll(() => member.bus.connected, { timeout: 10_000 }).toBe(true);
  });

  test("and one that is about to go says so once, and all goes on", async () => {
    const member = await join();
    await server.kill("SIGUSR2");
    await expect.poll(() => member.incidents("lame_duck").length, { timeout: 10_000 }).toBe(1);
    const published = member.bus.publish("results", update(1));
    await server.restart();
    await published;
    expect(member.incidents("lame_duck")).toHaveLength(1);
  });
});

describe("a receiver that dies", () => {
  test("leaves what it had not answered to the next one, at once", async () => {
    const first = await join();
    const taken = await collect(first);
    for (const revision of [1, 2, 3]) await first.bus.publish("results", update(revision));
    await expect.poll(() => taken.length).toBe(3);
    taken[1]?.ack();
    await first.transport.connection.flush();
    await kill(first);
    const again = await collect(await join());
    expect(revisions(again)).toEqual([1, 3]);
    expect(again.map(({ deliveries }) => deliveries)).toEqual([2, 2]);
  });

  test("in good order gives back what it had not answered", async () => {
    const supervisor = await join({ role: "supervisor" });
    const first = await join({ role: "gateway" });
    let count = 0;
    await first.bus.consume("orders", () => {
      count += 1;
    });
    await supervisor.bus.publish("orders", order());
    await expect.poll(() => count).toBe(1);
    await first.bus.close();
    // How often it was delivered is not asked: servers before 2.10 forget one delivery here.
    let again = 0;
    const second = await join({ role: "gateway" });
    await second.bus.consume("orders", () => {
      again += 1;
    });
    await expect.poll(() => again).toBe(1);
  });

  test("as gateway leaves its orders to the next gateway after the server's wait", async () => {
    const supervisor = await join({ role: "supervisor" });
    const [first, second] = [await join({ role: "gateway" }), await join({ role: "gateway" })];
    await hurry(supervisor, "PURGE_ORDERS", "gateway", 20);
    let count = 0;
    await first.bus.consume("orders", () => {
      count += 1;
    });
    await supervisor.bus.publish("orders", order());
    await expect.poll(() => count).toBe(1);
    await kill(first);
    const again: number[] = [];
    await second.bus.consume("orders", ({ deliveries }) => again.push(deliveries));
    await expect.poll(() => again, { timeout: 10_000 }).toEqual([2]);
  });

  test("as gateway may have had every order that is older than the next gateway, whatever the server has counted", async () => {
    const supervisor = await join({ role: "supervisor" });
    await supervisor.bus.publish("orders", order());
    const manager = await manage(supervisor.transport.connection);
    // A server that was killed may forget what it has delivered, and to whom.
    await manager.consumers.delete("PURGE_ORDERS", "gateway");
    await join({ role: "supervisor" });
    const gateway = await join({ role: "gateway" });
    const taken: number[] = [];
    await gateway.bus.consume("orders", (delivery) => {
      taken.push(delivery.deliveries);
      delivery.ack();
    });
    await supervisor.bus.publish("orders", order());
    await expect.poll(() => taken).toEqual([2, 1]);
  });

  test("as both supervisor and gateway leaves no orders: its machines send again what they wait for", async () => {
    const first = await join();
    await first.bus.publish("orders", order());
    await kill(first);
    const second = await join();
    expect(await messagesIn(second, "PURGE_ORDERS")).toBe(0);
  });

  test("and one that lives is left alone, however long it takes", async () => {
    const member = await join();
    await hurry(member, "PURGE_RESULTS", "supervisor", 20);
    const taken = await collect(member);
    await member.bus.publish("results", update(1));
    await expect.poll(() => taken.length).toBe(1);
    const manager = await manage(member.transport.connection);
    const since = performance.now();
    await expect
      .poll(async () => (await manager.consumers.info("PURGE_RESULTS", "supervisor")).num_redelivered, {
        interval: 250,
        timeout: 10_000,
      })
      .toSatisfy((redelivered) => redelivered === 0 && performance.now() - since > 2_500);
    expect(taken).toHaveLength(1);
  });
});

describe("streams and consumers", () => {
  test("that somebody deletes are missed, said, and made anew by a supervisor", async () => {
    const member = await join();
    const taken = await collect(member, (delivery) => delivery.ack());
    const manager = await manage(member.transport.connection);
    await manager.consumers.delete("PURGE_RESULTS", "supervisor");
    await expect
      .poll(() => member.incidents("error").join(), { timeout: 10_000 })
      .toMatch(/supervisor of PURGE_RESULTS/);
    await member.bus.publish("results", update(1));
    await expect.poll(() => revisions(taken), { timeout: 10_000 }).toEqual([1]);
    await manager.streams.delete("PURGE_RESULTS");
    await member.bus.publish("results", update(2));
    await expect.poll(() => revisions(taken), { timeout: 10_000 }).toEqual([1, 2]);
  });

  test("that somebody deletes are waited for by a gateway, which says who makes them", async () => {
    const supervisor = await join({ role: "supervisor" });
    const gateway = await join({ role: "gateway" });
    const seen: string[] = [];
    await gateway.bus.consume("orders", (delivery) => {
      seen.push(delivery.body.type);
      delivery.ack();
    });
    const manager = await manage(supervisor.transport.connection);
    await manager.streams.delete("PURGE_ORDERS");
    await expect
      .poll(() => gateway.incidents("error").join(), { timeout: 10_000 })
      .toMatch(/purgatory nats init/);
    await supervisor.bus.publish("orders", order());
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual(["order.place"]);
  });

  test("with other settings are refused, and left as they are", async () => {
    const manager = await manage((await join()).transport.connection);
    await manager.streams.update("PURGE_RESULTS", { max_age: nanos(1_000_000) });
    await expect(join()).rejects.toMatchObject({
      reason: "refused",
      message: expect.stringMatching(/PURGE_RESULTS has other settings: max_age is .*, expected 7 d/),
    });
    expect((await manager.streams.info("PURGE_RESULTS")).config.max_age).toBe(nanos(1_000_000));
  });

  test("that an account may not have are asked for in vain", async () => {
    server = await started({
      config: "accounts { A: { users: [{ user: u, password: p }] } }\nno_auth_user: u\n",
    });
    await expect(join()).rejects.toMatchObject({
      reason: "refused",
      message: expect.stringMatching(/JetStream/),
    });
  });

  test("are taken from by one consumer of a process, for all symbols", async () => {
    const { bus } = await join();
    await bus.consume("results", () => {});
    const second = bus.consume("results", () => {});
    await expect(second).rejects.toMatchObject({
      reason: "refused",
      message: expect.stringContaining("already"),
    });
    const one = bus.consume("orders", () => {}, { symbol: symbolOf("BONK-USD") });
    await expect(one).rejects.toMatchObject({
      reason: "refused",
      message: expect.stringContaining("all symbols"),
    });
  });

  test("are not touched before the start was allowed", async () => {
    const check = () => Promise.reject(new Error("another supervisor answers"));
    await expect(join({ check })).rejects.toThrow("another supervisor answers");
    const connection = await connect({ servers: server.url });
    closing.push(() => connection.close());
    expect(await (await manage(connection)).streams.list().next()).toEqual([]);
  });
});

test("a receiver that works through a long backlog is not called slow", async () => {
  const member = await join({ heartbeatMs: 500 });
  await Promise.all(
    Array.from({ length: 3_000 }, (_, index) => member.bus.publish("results", update(index))),
  );
  let answered = 0;
  await member.bus.consume("results", (delivery) => {
    setTimeout(() => {
      delivery.ack();
      answered += 1;
    }, 300);
  });
  await expect.poll(() => answered, { timeout: 20_000 }).toBe(3_000);
  expect(member.incidents("slow_consumer")).toEqual([]);
});

test("a receiver that answers nothing gets no more than may be unanswered, and is said to be slow", async () => {
  const member = await join();
  const taken = await collect(member);
  await Promise.all(
    Array.from({ length: 1_100 }, (_, index) => member.bus.publish("results", update(index))),
  );
  await expect.poll(() => member.incidents("slow_consumer"), { timeout: 10_000 }).toHaveLength(1);
  expect(taken).toHaveLength(1_000);
  for (const delivery of taken.splice(0)) delivery.ack();
  await expect.poll(() => taken.length, { timeout: 10_000 }).toBe(100);
});

describe("what the bus remembers", () => {
  test("is how far a ledger's observers were told, and nothing of another ledger's", async () => {
    const { bus } = await join();
    const { body, subject } = vector("transition");
    const transition = typed("transitions", body, subject);
    expect(await bus.lastTransition(transition.ledger_id)).toBeNull();
    for (const seq of [41, 42]) await bus.publish("transitions", { ...transition, seq });
    expect(await bus.lastTransition(transition.ledger_id)).toBe(42);
    expect(await bus.lastTransition("another")).toBeNull();
  });

  test("is the venue's last state, for those who come later, also after a restart", async () => {
    const first = await join();
    const { body, subject } = vector("venue.state");
    const venue = typed("venue", body, subject);
    await first.bus.publish("venue", { ...venue, at: "2025-11-11T03:04:05.000Z" });
    await first.bus.publish("venue", venue);
    await server.restart();
    const second = await join();
    const seen: unknown[] = [];
    await second.bus.consume("venue", (delivery) => seen.push(delivery.body));
    expect(seen).toEqual([venue]);
  });
});

test("a channel that a user may not publish on is refused at once, with its name", async () => {
  const permissions = '{ publish: { deny: "purge.v1.results.>" } }';
  const user = `{ user: u, password: p, permissions: ${permissions} }`;
  server = await started({ config: `authorization: { users: [${user}] }\nno_auth_user: u\n` });
  const member = await join();
  await expect(member.bus.publish("results", update(1))).rejects.toMatchObject({
    reason: "refused",
    message: expect.stringMatching(/purge\.v1\.results\.BONK-USD.*does not allow/),
  });
  expect(member.incidents("error").join()).toMatch(/Permissions Violation for Publish/i);
  await member.bus.publish("orders", order());
});

describe("dead letters", () => {
  test("a message leaves its stream only when its letter is kept", async () => {
    const member = await join();
    const manager = await manage(member.transport.connection);
    await manager.streams.delete("PURGE_DEAD");
    await member.bus.consume("orders", (delivery) => delivery.dead("no use"));
    await member.bus.publish("orders", order());
    await expect.poll(() => messagesIn(member, "PURGE_ORDERS"), { timeout: 10_000 }).toBe(0);
    expect(await messagesIn(member, "PURGE_DEAD")).toBe(1);
  });

  test("what is put back too often becomes one", async () => {
    const member = await join();
    await hurry(member, "PURGE_ORDERS", "gateway", 3);
    const taken = await letters(member);
    const counts: number[] = [];
    await member.bus.consume("orders", (delivery) => {
      counts.push(delivery.deliveries);
      delivery.nak(1);
    });
    await member.bus.publish("orders", order());
    await expect
      .poll(() => taken.map(({ body }) => body.reason), { timeout: 10_000 })
      .toEqual(["was delivered 3 times and put back each time"]);
    expect(counts).toEqual([1, 2, 3]);
    await expect.poll(() => messagesIn(member, "PURGE_ORDERS")).toBe(0);
  });

  test("what kills everyone who takes it becomes one, with its bytes and headers", async () => {
    const supervisor = await join({ role: "supervisor" });
    const gateways = [await join({ role: "gateway" }), await join({ role: "gateway" })];
    const third = await join({ role: "gateway" });
    await hurry(supervisor, "PURGE_ORDERS", "gateway", 2);
    const taken = await letters(supervisor);
    await supervisor.transport.publish(
      "purge.v1.orders.BONK-USD",
      Buffer.from(JSON.stringify(order())),
      JSON_TEXT,
    );
    for (const gateway of gateways) {
      let count = 0;
      await gateway.bus.consume("orders", () => {
        count += 1;
      });
      await expect.poll(() => count, { timeout: 10_000 }).toBe(1);
      await kill(gateway);
    }
    await third.bus.consume("orders", (delivery) => delivery.ack());
    await expect.poll(() => taken.length, { timeout: 10_000 }).toBe(1);
    const [letter] = taken;
    expect(letter?.body).toMatchObject({
      subject: "purge.v1.orders.BONK-USD",
      reason: "was delivered 2 times and never answered: whoever takes it dies of it",
      headers: JSON_TEXT,
    });
    expect(JSON.parse(Buffer.from(letter?.body.body_base64 ?? "", "base64").toString())).toEqual(order());
    await expect.poll(() => messagesIn(supervisor, "PURGE_ORDERS")).toBe(0);
  });

  test("what names another mode becomes one, and what names none does not", async () => {
    const live = await join({ role: "supervisor", mode: "live" });
    const paper = await join({ role: "gateway", mode: "paper" });
    const taken = await letters(live);
    const seen: string[] = [];
    await paper.bus.consume("orders", (delivery) => {
      seen.push(delivery.body.type);
      delivery.ack();
    });
    await live.bus.publish("orders", order());
    await live.transport.publish("purge.v1.orders.BONK-USD", Buffer.from(JSON.stringify(order())), JSON_TEXT);
    await expect
      .poll(() => taken.map(({ body }) => body.reason))
      .toEqual(['header Purge-Mode is "live", and this receiver runs in mode paper']);
    await expect.poll(() => seen).toEqual(["order.place"]);
  });
});
