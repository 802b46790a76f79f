// A name on the bus is one program's: a second one is told who has it, and one that comes back finds it free.
import { expect, test } from "vitest";
import { ClaimedError, claimName, otherSupervisors } from "../../../adapters/control/mod.ts";
import { connected, control, server } from "./control_kit.ts";

const CLAIM = { name: "purgatory", description: "for a test", version: "1.2.3", mode: "paper" } as const;

test("a name that nobody has is taken, and given back", async () => {
  const { url } = await server();
  const connection = await connected(url);
  const claim = await claimName(connection, CLAIM);
  expect(await otherSupervisors(connection, { waitMs: 200 })).toMatchObject([
    { id: claim.id, mode: "paper" },
  ]);
  await claim.stop();
  expect(await otherSupervisors(connection, { waitMs: 200 })).toEqual([]);
});

test("a second one hears whose the name is, and leaves no trace", async () => {
  const { url } = await server();
  const { service } = await control({ url });
  const connection = await connected(url);
  const refused = await claimName(connection, CLAIM).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ClaimedError);
  expect(String(refused)).toMatch(
    /another purgatory is on this bus: purgatory 1\.2\.3 \(paper, process \d+ on .+, ledger ledger-1\)/,
  );
  const there = await otherSupervisors(connection, { waitMs: 200 });
  expect(there.map(({ id }) => id)).toEqual([service.id]);
});

test("of two at the same moment, no more than one goes on", async () => {
  const { url } = await server();
  const connections = [await connected(url), await connected(url)];
  const claims = await Promise.allSettled(connections.map((connection) => claimName(connection, CLAIM)));
  expect(claims.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
});

test("other names are nobody's business", async () => {
  const { url } = await server();
  await control({ url });
  const claim = await claimName(await connected(url), { ...CLAIM, name: "purgatory-gateway" });
  await claim.stop();
});

test("the end of a claim does not wait for a server that is gone", async () => {
  const nats = await server();
  const claim = await claimName(await connected(nats.url), CLAIM);
  await nats.kill("SIGKILL");
  const startedAt = Date.now();
  await claim.stop();
  expect(Date.now() - startedAt).toBeLessThan(6_000);
});
