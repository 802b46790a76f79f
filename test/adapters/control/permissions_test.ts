// The control service under the users of config/nats: what each of them may ask, proven on a real server.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ControlError, controlClient, otherSupervisors } from "../../../adapters/control/mod.ts";
import { BONK } from "../../actors/symbols_kit.ts";
import { connected, control, server } from "./control_kit.ts";

const PERMISSIONS = readFileSync(join(import.meta.dirname, "../../../config/nats/permissions.conf"), "utf8");
const USERS = ["supervisor", "gateway", "observer", "operator"] as const;
type User = (typeof USERS)[number];
const login = (user: User) => ({ user, pass: "pw", inboxPrefix: `_INBOX_${user}` });

/** The service as user `supervisor`, and a client for each user. */
async function world() {
  const users = USERS.map((user) => `{ user: ${user}, password: pw, permissions: $${user.toUpperCase()} }`);
  const { url } = await server({
    config: `authorization { ${PERMISSIONS}\nusers: [ ${users.join(", ")} ] }`,
  });
  const running = await control({ url, connect: login("supervisor") });
  const as = async (user: User) => controlClient(await connected(url, login(user)), { timeoutMs: 5_000 });
  return { ...running, url, as };
}

const request = { symbol: BONK, by: "ana", reason: "to see whether it may be done" } as const;

test("the operator may do everything, and who that was is in the record", async () => {
  const { as, kit } = await world();
  const operator = await as("operator");
  for (const action of ["pause", "resume", "ban", "reset", "purge", "abort"] as const) {
    expect(await operator.act({ ...request, action })).toMatchObject({ ok: true, changed: true });
  }
  expect(await operator.status()).toMatchObject({ total: 1 });
  expect(kit.transitions[0]?.event).toMatchObject({ by: "ana (inbox operator)" });
});

test("an observer reads, and changes nothing", async () => {
  const { as, kit } = await world();
  const observer = await as("observer");
  expect(await observer.status()).toMatchObject({ total: 0 });
  expect(await observer.symbol(BONK)).toBeNull();
  for (const action of ["purge", "pause", "resume", "reset", "ban", "abort"] as const) {
    const refused: unknown = await observer.act({ ...request, action }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ControlError);
    expect(refused).toMatchObject({ reason: "permission" });
  }
  expect(kit.ledger.rows).toEqual([]);
});

test.each(["gateway", "supervisor"] as const)("a %s cannot ban", async (user) => {
  const { as, kit } = await world();
  await expect((await as(user)).act({ ...request, action: "ban" })).rejects.toMatchObject({
    reason: "permission",
  });
  expect(kit.ledger.rows).toEqual([]);
});

test("a second supervisor sees the first", async () => {
  const { url, service } = await world();
  const found = await otherSupervisors(await connected(url, login("supervisor")), { waitMs: 300 });
  expect(found).toMatchObject([{ id: service.id }]);
});
