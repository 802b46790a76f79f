// The real server on a real socket: what it answers, what it refuses, and how it ends.
import { spawnSync } from "node:child_process";
import { request as httpRequest } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  HttpListenError,
  type HttpServer,
  type HttpServerOptions,
  type Pages,
  startHttpServer,
} from "../../../adapters/http/mod.ts";
import { createMetrics } from "../../../adapters/telemetry/mod.ts";
import { parseExposition } from "../telemetry/exposition.ts";

const fine: Pages = {
  metrics: createMetrics({ version: "0.1.0", node: "26", mode: "paper" }).read,
  health: () => ({ ok: true, reasons: [] }),
  readiness: () => ({ ok: true, reasons: [] }),
  status: () => ({ symbols: [{ symbol: "BONK-USD", note: "\u26a0\ufe0f" }] }),
};

const running: { stop(reason: "killed"): Promise<void> }[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((server) => server.stop("killed")));
});

async function started(
  pages: Partial<Pages> = {},
  options: Partial<HttpServerOptions> = {},
): Promise<HttpServer> {
  const server = await startHttpServer({ port: 0, ...options, pages: { ...fine, ...pages } });
  running.push(server);
  return server;
}

/** A raw connection: what was sent is written as it is, what comes back is collected until the other side closes. */
function dial(server: HttpServer, text = ""): { readonly socket: Socket; readonly closed: Promise<string> } {
  const socket = connect(server.port, server.host);
  sockets.push(socket);
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.on("error", () => {});
  if (text !== "") socket.write(text);
  return { socket, closed: new Promise((resolve) => socket.on("close", () => resolve(received))) };
}

/** `fetch` does not let a `Host` be chosen. */
function statusFor(server: HttpServer, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const { port } = server;
    const request = httpRequest(
      { host: server.host, port, path: "/status", headers: { host } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.on("error", reject);
    request.end();
  });
}

describe("the pages", () => {
  test("/metrics is Prometheus's text", async () => {
    const { url } = await started();
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const { value } = parseExposition(await response.text());
    expect(value("trader_risk_rejections_total", { reason: "purge_failed" })).toBe(0);
  });

  test("/status is JSON, in UTF-8, and is never cached", async () => {
    const { url } = await started();
    const response = await fetch(`${url}/status?pretty=1`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ symbols: [{ symbol: "BONK-USD", note: "\u26a0\ufe0f" }] });
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("access-control-allow-origin")).toBe(null);
  });

  test.each([
    ["/healthz", "health", "ok", "failing"],
    ["/readyz", "readiness", "ready", "not_ready"],
  ] as const)("%s says yes with 200, and no with 503 and every reason", async (path, page, yes, no) => {
    let verdict = { ok: true, reasons: [] as string[] };
    const { url } = await started({ [page]: () => verdict });
    const good = await fetch(url + path);
    expect([good.status, await good.json()]).toEqual([200, { status: yes, reasons: [] }]);
    verdict = { ok: false, reasons: ["the bus is not connected", "the journal is not open"] };
    const bad = await fetch(url + path);
    expect([bad.status, await bad.json()]).toEqual([503, { status: no, reasons: verdict.reasons }]);
  });

  test.each(["/metrics", "/healthz", "/readyz", "/status"])(
    "HEAD %s has the headers of GET and no body",
    async (path) => {
      const { url } = await started();
      const [get, head] = await Promise.all([fetch(url + path), fetch(url + path, { method: "HEAD" })]);
      expect(head.status).toBe(200);
      expect(await head.text()).toBe("");
      const length = String((await get.arrayBuffer()).byteLength);
      expect([get.headers.get("content-length"), head.headers.get("content-length")]).toEqual([
        length,
        length,
      ]);
    },
  );

  test.each(["/", "/metrics/", "/Metrics", "//metrics", "/../etc/passwd", "/status%00", "/favicon.ico"])(
    "%s is not there, and the answer says what is",
    async (path) => {
      const server = await started();
      const { closed } = dial(server, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      const answer = await closed;
      expect(answer).toMatch(/^HTTP\/1\.1 404 /);
      expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual({
        error: {
          code: "not_found",
          message: "there is no such page; there are /metrics, /healthz, /readyz, /status",
        },
      });
    },
  );

  test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s is not allowed", async (method) => {
    const { url } = await started();
    const response = await fetch(`${url}/status`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await response.json()).toMatchObject({ error: { code: "method_not_allowed" } });
  });

  test("a request with a body closes its connection, so that the body is not taken for a request", async () => {
    const server = await started();
    const smuggled = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const head = `POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length}\r\n\r\n`;
    const answer = await dial(server, head + smuggled).closed;
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(answer).toContain("Connection: close");
  });

  test("a page that cannot be made is 500 without particulars, and reported with them", async () => {
    const reported: [string, unknown][] = [];
    const error = new Error("secret detail");
    const { url } = await started(
      { metrics: () => Promise.reject(error) },
      { onPageError: (path, what) => reported.push([path, what]) },
    );
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(reported).toEqual([["/metrics", error]]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe("who is answered", () => {
  test.each(["localhost", "localhost:9464", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "LOCALHOST"])(
    "a request to %s",
    async (host) => {
      expect(await statusFor(await started(), host)).toBe(200);
    },
  );

  test.each([
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "[::2]",
    "10.0.0.1",
  ])("not one to %s: a website's name made to point here reads nothing", async (host) => {
    expect(await statusFor(await started(), host)).toBe(421);
  });

  test("any name, where the operator chose to listen on every interface", async () => {
    const server = await started({}, { host: "0.0.0.0" });
    expect(await statusFor({ ...server, host: "127.0.0.1" }, "metrics.internal")).toBe(200);
  });
});

describe("clients that misbehave", () => {
  test("headers larger than the limit", async () => {
    const server = await started();
    const { closed } = dial(
      server,
      `GET /status HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(9_000)}\r\n\r\n`,
    );
    expect(await closed).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("no HTTP at all", async () => {
    const server = await started();
    expect(await dial(server, "\u0016\u0003\u0001 hello\r\n\r\n").closed).toMatch(/^HTTP\/1\.1 400 /);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test("headers that never end", async () => {
    const server = await started({}, { limits: { headersMs: 50, requestMs: 100 } });
    expect(await dial(server, "GET /status HTTP/1.1\r\nHost: localhost\r\n").closed).toMatch(
      /^HTTP\/1\.1 408 /,
    );
  });

  test("a connection that says nothing", async () => {
    const server = await started({}, { limits: { headersMs: 20, requestMs: 30, keepAliveMs: 20 } });
    await dial(server).closed;
  });

  test("more connections than allowed: the rest are dropped, and room is made again", async () => {
    const server = await started({}, { limits: { connections: 2 } });
    const first = dial(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const second = dial(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await Promise.all(
      [first, second].map(({ socket }) => new Promise((resolve) => socket.once("data", resolve))),
    );
    expect(await dial(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").closed).toBe("");
    first.socket.destroy();
    await expect
      .poll(() =>
        fetch(`${server.url}/healthz`, { headers: { connection: "close" } }).then(
          (r) => r.status,
          () => 0,
        ),
      )
      .toBe(200);
  });

  test("a client that never reads its answer is let go", async () => {
    const metrics = async () => ({ contentType: "text/plain", body: "x".repeat(64 * 1024 * 1024) });
    const limits = { requestMs: 30, keepAliveMs: 20, headersMs: 20, connections: 1 };
    const server = await started({ metrics }, { limits });
    // Not by `dial`, which reads: what is not read fills the buffers on both sides.
    const socket = connect(server.port, server.host);
    sockets.push(socket);
    socket.on("error", () => {});
    const answered = new Promise<void>((resolve) => socket.on("readable", resolve));
    socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await answered;
    await expect.poll(() => statusFor(server, "localhost").catch(() => 0)).toBe(200);
  });

  test("a client that hangs up before the answer", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = await started({
      metrics: async () => {
        asked();
        await held;
        return fine.metrics();
      },
    });
    const { socket } = dial(server, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await isAsked;
    socket.destroy();
    release();
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe("start", () => {
  test("port 0 takes a free one and says which", async () => {
    const [one, two] = await Promise.all([started(), started()]);
    expect(one.port).toBeGreaterThan(0);
    expect(two.port).not.toBe(one.port);
    expect(one.url).toBe(`http://127.0.0.1:${one.port}`);
  });

  test("listens on the loopback interface unless told otherwise", async () => {
    expect((await started()).host).toBe("127.0.0.1");
  });

  test("a port that is taken is an error that names it and says what to do", async () => {
    const { port } = await started();
    const error = await startHttpServer({ pages: fine, port }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HttpListenError);
    expect(error).toMatchObject({
      _tag: "HttpListenError",
      reason: "in_use",
      message: `cannot listen on 127.0.0.1:${port}: another program listens there; stop it or choose another port (0 takes a free one)`,
    });
  });

  test("a port taken by anything else is the same", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(startHttpServer({ pages: fine, port })).rejects.toMatchObject({ reason: "in_use" });
    await new Promise((resolve) => other.close(resolve));
  });

  test.each([
    ["192.0.2.1", 0, "no_address", "cannot listen on 192.0.2.1:0: this machine has no such address"],
    ["127.0.0.1", 65_536, "invalid", "cannot listen on 127.0.0.1:65536: a port is a whole number"],
    ["127.0.0.1", -1, "invalid", "cannot listen on 127.0.0.1:-1: a port is a whole number"],
    ["127.0.0.1", 1.5, "invalid", "cannot listen on 127.0.0.1:1.5: a port is a whole number"],
  ])("%s port %d: %s", async (host, port, reason, message) => {
    const error = await startHttpServer({ pages: fine, host, port }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason });
    expect(String(Object(error).message)).toContain(message);
  });

  test("a process without the network grant is told which flag is missing, instead of dying", () => {
    const root = fileURLToPath(new URL("../../..", import.meta.url));
    const script = `
      import { startHttpServer } from "${root}adapters/http/mod.ts";
      startHttpServer({ port: 0, pages: {} }).then(() => console.log("listening"), (e) => console.log(e.reason, e.message));
    `;
    const args = ["--permission", `--allow-fs-read=${root}*`, "--input-type=module-typescript", "-e", script];
    const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: root });
    expect(stdout).toBe(
      "not_granted cannot listen on 127.0.0.1:0: this process may not use the network; grant it with --allow-net\n",
    );
    expect(status).toBe(0);
  });
});

describe("stop", () => {
  /** A page that is asked for and not yet answered. */
  function slowPage() {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const metrics = async () => {
      asked();
      await held;
      return { contentType: "text/plain", body: "late\n" };
    };
    return { metrics, isAsked, release: () => release() };
  }
  const GET = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

  test("idle connections are closed, and the port is free again", async () => {
    const server = await started();
    const { socket, closed } = dial(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    await server.stop();
    await closed;
    const next = await startHttpServer({ pages: fine, port: server.port });
    running.push(next);
    expect(next.port).toBe(server.port);
  });

  test("an answer under way is finished, and its connection closed", async () => {
    const page = slowPage();
    const server = await started({ metrics: page.metrics }, { limits: { drainMs: 600_000 } });
    const { closed } = dial(server, GET);
    await page.isAsked;
    const stopped = server.stop();
    page.release();
    await stopped;
    const answer = await closed;
    expect(answer).toMatch(/200 OK[\s\S]*\r\n\r\nlate\n$/);
    expect(answer).toContain("Connection: close");
  });

  test("one that takes longer than the limit is cut off", async () => {
    const page = slowPage();
    const server = await started({ metrics: page.metrics }, { limits: { drainMs: 20 } });
    const { closed } = dial(server, GET);
    await page.isAsked;
    await server.stop();
    expect(await closed).toBe("");
    page.release();
  });

  test("killed, nothing is waited for", async () => {
    const page = slowPage();
    const server = await started(
      { metrics: page.metrics },
      { limits: { drainMs: 600_000, requestMs: 600_000 } },
    );
    const { closed } = dial(server, GET);
    await page.isAsked;
    const gentle = server.stop("shutdown");
    await server.stop("killed");
    await gentle;
    expect(await closed).toBe("");
    page.release();
  });

  test("no timer is left behind to keep the process alive", async () => {
    const server = await started({}, { limits: { drainMs: 600_000 } });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await server.stop();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("stopping twice is stopping once", async () => {
    const server = await started();
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });
});
