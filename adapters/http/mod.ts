// The public face of the HTTP server.
export { HttpListenError } from "./errors.ts";
export type { Pages, Verdict } from "./pages.ts";
export { type HttpLimits, type HttpServer, type HttpServerOptions, startHttpServer } from "./server.ts";
