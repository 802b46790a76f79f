// How a NATS server is entered, with every kind of credential, and what is said when it turns us away.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsConnection, nkeys } from "@nats-io/transport-node";
import { Redacted } from "effect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { BusError } from "../../../actors/ports.ts";
import { connect, type NatsSettings } from "../../../adapters/bus/nats_connection.ts";
import { tokenAccess } from "../../../config/mod.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../nats_server.ts";
import { makeAuthority, makeCredentials } from "./credentials.ts";

type Access = Partial<NatsSettings>;
const secret = (text: string) => Redacted.make(text);

const closing: (() => Promise<unknown>)[] = [];
const closingAtEnd: (() => Promise<unknown>)[] = [];
const closeAll = async (list: (() => Promise<unknown>)[]): Promise<void> => {
  for (const close of list.splice(0).reverse()) await close();
};
afterEach(() => closeAll(closing));
afterAll(() => closeAll(closingAtEnd));

const started = async (options: NatsServerOptions = {}, until = closing): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  until.push(() => server.stop());
  return server;
};
async function enter(url: string, access: Access = {}): Promise<NatsConnection> {
  const connection = await connect({ servers: url, name: "test", connectDeadlineMs: 5_000, ...access });
  closing.push(() => connection.close());
  return connection;
}
/** Sees that messages really travel. */
async function talks(connection: NatsConnection): Promise<boolean> {
  const subscription = connection.subscribe("echo", {
    callback: (_error, message) => {
      message.respond(message.data);
    },
  });
  const answer = await connection.request("echo", "hello");
  subscription.unsubscribe();
  return answer.string() === "hello";
}
async function refusal(url: string, access: Access = {}): Promise<BusError> {
  const error: unknown = await enter(url, { connectDeadlineMs: 400, ...access }).then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BusError)) throw new Error(`expected a BusError, got ${String(error)}`);
  return error;
}
const text = (key: nkeys.KeyPair): string => new TextDecoder().decode(key.getSeed());

interface Door {
  readonly config: string;
  readonly right: Access;
  readonly wrong: Access;
}
const password = "hunter2-correct-horse";
const user = nkeys.createUser();
const jwt = makeCredentials();
const doors: readonly (readonly [string, Door])[] = [
  [
    "user and password",
    {
      config: `authorization { users: [ { user: purgatory, password: ${password} } ] }`,
      right: { user: secret("purgatory"), password: secret(password) },
      wrong: { user: secret("purgatory"), password: secret(`${password}!`) },
    },
  ],
  [
    "a token",
    {
      config: `authorization { token: ${password} }`,
      right: { token: secret(password) },
      wrong: { token: secret(`${password}!`) },
    },
  ],
  [
    "an nkey",
    {
      config: `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`,
      right: { nkeySeed: secret(text(user)) },
      wrong: { nkeySeed: secret(text(nkeys.createUser())) },
    },
  ],
  [
    "a credentials file",
    {
      config: jwt.config,
      right: { credentials: secret(jwt.creds) },
      wrong: { credentials: secret(makeCredentials().creds) },
    },
  ],
];

describe.each(doors)("a server that asks for %s", (_name, { config, right, wrong }) => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await started({ config }, closingAtEnd);
  });

  test("lets in who has it, and again after a restart", async () => {
    const connection = await enter(server.url, right);
    expect(await talks(connection)).toBe(true);
    await server.restart();
    await expect.poll(() => talks(connection).catch(() => false), { timeout: 10_000 }).toBe(true);
  });

  test("turns away at once who has another or none, which shows nowhere in the error", async () => {
    for (const access of [wrong, {}]) {
      const error = await refusal(server.url, { connectDeadlineMs: 60_000, ...access });
      expect(error.reason).toBe("refused");
      expect(error.message).toBe(`NATS at ${server.url} turned this client away: Authorization Violation`);
    }
  });
});

test("the access to a server of our own is its token", async () => {
  const server = await started({ config: "authorization { token: just-made }" });
  const access = tokenAccess(server.url, "just-made");
  expect(await talks(await enter(server.url, access))).toBe(true);
});

test.each([
  ["a seed with a wrong letter", { nkeySeed: secret(`SU${"A".repeat(56)}`) }],
  ["credentials cut short", { credentials: secret(jwt.creds.slice(0, 80)) }],
])("%s is refused without another try, and not repeated", async (_name, access) => {
  const server = await started();
  // The server must ask, or the client does not look at what it has.
  await server.restart(doors[2]?.[1].config);
  const error = await refusal(server.url, { connectDeadlineMs: 60_000, ...access });
  expect(error).toMatchObject({
    reason: "refused",
    message: expect.stringContaining("cannot be entered with this seed or these credentials"),
  });
  expect(JSON.stringify(error)).not.toMatch(/AAAA|BEGIN/);
});

describe("TLS", () => {
  const dir = mkdtempSync(join(tmpdir(), "purgatory-tls-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const ours = makeAuthority(dir, "ours");
  const theirs = makeAuthority(dir, "theirs");
  const [serverCert, client] = [ours.sign("server"), ours.sign("client")];
  const stranger = theirs.sign("stranger");
  const config = (more = "", cert = serverCert): string =>
    `tls { cert_file: "${cert.certFile}", key_file: "${cert.keyFile}", ca_file: "${ours.certFile}" ${more} }`;
  const trusting = (ca: string | null, cert: string | null = null, key: string | null = null): Access => ({
    tls: { ca, cert, key: key === null ? null : secret(key) },
  });
  const isEncrypted = async (url: string, access: Access): Promise<boolean> => {
    const connection = await enter(url, access);
    return (await talks(connection)) && connection.info?.tls_required === true;
  };

  test("a server that our authority vouches for is trusted by its address", async () => {
    const server = await started({ config: config() });
    expect(await isEncrypted(server.url, trusting(ours.cert))).toBe(true);
  });

  test("a server that asks for a certificate takes the client's, before and after a restart", async () => {
    const server = await started({ config: config(", verify: true") });
    const connection = await enter(server.url, trusting(ours.cert, client.cert, client.key));
    expect(await talks(connection)).toBe(true);
    await server.restart();
    await expect.poll(() => talks(connection).catch(() => false), { timeout: 10_000 }).toBe(true);
  });

  test.each([
    ["another authority", trusting(theirs.cert)],
    ["the system's authorities", trusting(null)],
    ["nothing said of TLS", {}],
  ])("a server that is not vouched for by %s is refused at once", async (_name, access) => {
    const server = await started({ config: config() });
    const error = await refusal(server.url, { connectDeadlineMs: 60_000, ...access });
    expect(error.reason).toBe("refused");
    expect(error.message).toBe(
      `NATS at ${server.url} showed a certificate that this client does not trust: unable to verify the first certificate`,
    );
  });

  test("a server with another's name on its certificate is refused", async () => {
    const elsewhere = ours.sign("elsewhere", "IP:192.0.2.1");
    const server = await started({ config: config("", elsewhere) });
    const error = await refusal(server.url, { connectDeadlineMs: 60_000, ...trusting(ours.cert) });
    expect(error).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("certificate that this client does not trust"),
    });
  });

  test.each([
    ["a certificate", trusting(ours.cert), "nats"],
    ["an address that begins with tls", {}, "tls"],
  ])("demanded by %s, a server without it gets no credentials", async (_name, access, scheme) => {
    const server = await started();
    const url = server.url.replace("nats:", `${scheme}:`);
    const error = await refusal(url, { ...access, token: secret(password), connectDeadlineMs: 60_000 });
    expect(error).toMatchObject({
      reason: "refused",
      message: expect.stringContaining("does not speak TLS, which this client was told to demand"),
    });
  });

  test.each([
    ["no certificate", trusting(ours.cert), "does it ask for a client certificate, where none was given?"],
    [
      "a stranger's certificate",
      trusting(ours.cert, stranger.cert, stranger.key),
      "does it trust whoever signed this client's certificate?",
    ],
  ])("a client with %s is told what may be the matter", async (_name, access, doubt) => {
    const server = await started({ config: config(", verify: true") });
    const error = await refusal(server.url, access);
    expect(error).toMatchObject({ reason: "disconnected", message: expect.stringContaining(doubt) });
  });

  test("a certificate with another's key is refused, and the key not shown", async () => {
    const server = await started({ config: config(", verify: true") });
    const error = await refusal(server.url, trusting(ours.cert, client.cert, stranger.key));
    expect(error.message).toContain("cannot be entered with this certificate and key");
    expect(JSON.stringify(error)).not.toContain("PRIVATE KEY");
  });
});

describe("replies are sent under", () => {
  const inboxOf = async (access: Access): Promise<string> => {
    const server = await started();
    const connection = await enter(server.url, access);
    connection.subscribe("who", { callback: (_error, message) => void message.respond(message.reply) });
    return (await connection.request("who")).string().split(".")[0] ?? "";
  };

  test("a prefix of the user's own, where the name is a plain word", async () => {
    expect(await inboxOf({ user: "observer" })).toBe("_INBOX_observer");
    expect(await inboxOf({ user: secret("bot-2") })).toBe("_INBOX_bot-2");
  });

  test("the common one, where there is no such name", async () => {
    expect(await inboxOf({})).toBe("_INBOX");
    expect(await inboxOf({ user: "a.b" })).toBe("_INBOX");
    expect(await inboxOf({ user: "*" })).toBe("_INBOX");
  });

  test("what the configuration says, before all", async () => {
    expect(await inboxOf({ user: "observer", inboxPrefix: "_INBOX" })).toBe("_INBOX");
  });
});

describe("a server that is not there", () => {
  let stand: Server;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    stand = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => stand.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    stand.close();
  });
  const standUrl = (): string => {
    const address = stand.address();
    if (address === null || typeof address === "string") throw new Error("the stand has no port");
    return `nats://me:${password}@127.0.0.1:${address.port}`;
  };

  test("is tried until the deadline, and named without what stands before the @", async () => {
    const error = await refusal(standUrl());
    expect(error.reason).toBe("disconnected");
    expect(error.message).toMatch(/^NATS at nats:\/\/\*\*\*@127\.0\.0\.1:\d+ did not answer within 400 ms: /);
    expect(error.message).not.toContain(password);
  });

  test("is found when it comes up before the deadline", async () => {
    const server = await started();
    await server.kill("SIGKILL");
    const connecting = enter(server.url, { connectDeadlineMs: 20_000 });
    await server.restart();
    expect(await talks(await connecting)).toBe(true);
  });
});
