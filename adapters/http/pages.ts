// What is answered to which request. No sockets here.

/** Where the pages come from. */
export interface Pages {
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>;
  health(): Verdict;
  readiness(): Verdict;
  status(): unknown;
}

/** Whether all is well, and if not, why. */
export interface Verdict {
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: string;
}

const PATHS = ["/metrics", "/healthz", "/readyz", "/status"] as const;
type Path = (typeof PATHS)[number];

/** The answer to one request. A page that cannot be made is a status 500 without particulars; they go to `onError`. */
export async function answer(
  { method, path }: { readonly method: string; readonly path: string },
  pages: Pages,
  onError: (error: unknown) => void,
): Promise<Answer> {
  const known = PATHS.find((each) => each === path);
  if (known === undefined) {
    return problem(404, "not_found", `there is no such page; there are ${PATHS.join(", ")}`);
  }
  if (method !== "GET" && method !== "HEAD") {
    const refusal = problem(405, "method_not_allowed", "these pages can only be read, with GET or HEAD");
    return { ...refusal, headers: { Allow: "GET, HEAD" } };
  }
  try {
    return await make(known, pages);
  } catch (error) {
    onError(error);
    return problem(500, "page_failed", "this page could not be made; the log says why");
  }
}

async function make(path: Path, pages: Pages): Promise<Answer> {
  switch (path) {
    case "/metrics":
      return { status: 200, headers: {}, ...(await pages.metrics()) };
    case "/healthz":
      return verdict(pages.health(), "ok", "failing");
    case "/readyz":
      return verdict(pages.readiness(), "ready", "not_ready");
    case "/status":
      return json(200, pages.status());
  }
}

function verdict({ ok, reasons }: Verdict, good: string, bad: string): Answer {
  return json(ok ? 200 : 503, { status: ok ? good : bad, reasons });
}

/** An error as JSON. */
export function problem(status: number, code: string, message: string): Answer {
  return json(status, { error: { code, message } });
}

function json(status: number, value: unknown): Answer {
  const body = `${JSON.stringify(value)}\n`;
  return { status, headers: {}, contentType: "application/json; charset=utf-8", body };
}
