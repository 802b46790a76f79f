// Metrics, health and status over HTTP: read-only, on the loopback interface unless told otherwise.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostPort, listenError } from "./errors.ts";
import { isLoopback, isNamedLocally } from "./loopback.ts";
import { type Answer, answer, type Pages, problem } from "./pages.ts";

export interface HttpServerOptions {
  readonly pages: Pages;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly limits?: Partial<HttpLimits>;
  /** A page could not be made, and was answered with status 500. */
  readonly onPageError?: (path: string, error: unknown) => void;
  /** The server broke after it was started: its supervisor should know. */
  readonly onFailure?: (error: Error) => void;
}

/** Bounds on what a client can take. Milliseconds, bytes, connections. */
export interface HttpLimits {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly headerBytes: number;
  readonly connections: number;
  /** How long answers that are under way may take when the server stops. */
  readonly drainMs: number;
}

const LIMITS: HttpLimits = {
  headersMs: 5_000,
  requestMs: 10_000,
  keepAliveMs: 5_000,
  headerBytes: 8_192,
  connections: 100,
  drainMs: 1_000,
};

/** A server that runs; fits a supervisor as a child. */
export interface HttpServer {
  readonly host: string;
  /** The one that was taken, where 0 was asked for. */
  readonly port: number;
  readonly url: string;
  /** `shutdown`: no new connections, idle ones are closed, answers under way have `drainMs`. `killed`: all at once. */
  stop(reason?: "shutdown" | "killed"): Promise<void>;
}

/** Starts to listen. Rejects with `HttpListenError`, which names the address and what to do. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host = "127.0.0.1", port, onFailure = () => {} } = options;
  const limits = { ...LIMITS, ...options.limits };
  const server = create(options, isLoopback(host), limits);
  await listen(server, host, port);
  server.on("error", onFailure);
  const taken = portOf(server) ?? port;
  return {
    host,
    port: taken,
    url: `http://${hostPort(host, taken)}`,
    stop: (reason = "shutdown") => stop(server, reason === "killed" ? 0 : limits.drainMs),
  };
}

function create(options: HttpServerOptions, isLocal: boolean, limits: HttpLimits): Server {
  const settings = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
  };
  const server = createServer(settings, (request, response) => {
    serve(request, response, options, isLocal, () => !server.listening).catch((error: unknown) => {
      options.onPageError?.(request.url ?? "", error);
      response.destroy();
    });
  });
  server.maxConnections = limits.connections;
  server.setTimeout(limits.requestMs + limits.keepAliveMs, (socket) => socket.destroy());
  return server;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { pages, onPageError = () => {} }: HttpServerOptions,
  isLocal: boolean,
  isStopping: () => boolean,
): Promise<void> {
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const wanted = { method: request.method ?? "GET", path };
  const isForeign = isLocal && !isNamedLocally(request.headers.host);
  const given = isForeign ? misdirected : await answer(wanted, pages, (error) => onPageError(path, error));
  send(request, response, given, isStopping());
}

/** A page of some website whose name was made to point here must not read what this server tells. */
const misdirected = problem(421, "misdirected", "this server answers to localhost, 127.0.0.1 and [::1] only");

function send(request: IncomingMessage, response: ServerResponse, given: Answer, isStopping: boolean): void {
  const { status, headers, contentType, body } = given;
  const hasBody =
    "transfer-encoding" in request.headers || Number(request.headers["content-length"] ?? 0) > 0;
  response.writeHead(status, {
    ...headers,
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    // Nothing here reads a body, so whatever follows the head of such a request is not read either.
    ...(hasBody || isStopping ? { Connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  // Without the grant Node throws from within its own queue, where nobody can catch it.
  if (process.permission?.has("net") === false) {
    throw listenError(host, port, Object.assign(new Error("no network"), { code: "ERR_ACCESS_DENIED" }));
  }
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(listenError(host, port, error));
    server.once("error", failed);
    try {
      server.listen({ host, port, exclusive: true }, () => {
        server.off("error", failed);
        resolve();
      });
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function portOf(server: Server): number | null {
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : null;
}

function stop(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Closes idle connections too. On a server that is closed already it calls back all the same.
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  });
}
