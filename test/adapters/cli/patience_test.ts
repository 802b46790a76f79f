// A start that needs the bus, while its server goes and comes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { patiently } from "../../../adapters/cli/patience.ts";
import { connectNats } from "../../../adapters/bus/mod.ts";
import { claimName, refuseOthers } from "../../../adapters/control/mod.ts";
import { type NatsServer, startNatsServer } from "../../nats_server.ts";

const CLAIM = { name: "purgatory-gateway", description: "a test", version: "1.0.0", mode: "paper" };
let server: NatsServer;
beforeAll(async () => {
  server = await startNatsServer();
});
afterAll(() => server.stop());

test("a name is claimed although the server was killed meanwhile", async () => {
  const connection = await connectNats({ servers: server.url, name: "a test" });
  await server.kill("SIGKILL");
  const claimed = patiently(() => claimName(connection, CLAIM));
  await server.restart();
  const claim = await claimed;
  await expect(refuseOthers(connection, CLAIM.name)).rejects.toThrow("another purgatory-gateway");
  await claim.stop();
  await connection.close();
});

test("what is not about the connection is said at once", async () => {
  const connection = await connectNats({ servers: server.url, name: "a test" });
  const claim = await claimName(connection, CLAIM);
  let tries = 0;
  const second = patiently(() => {
    tries += 1;
    return claimName(connection, CLAIM);
  });
  await expect(second).rejects.toThrow("another purgatory-gateway");
  expect(tries).toBe(1);
  await claim.stop();
  await connection.close();
});
