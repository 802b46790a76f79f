// The clauses against gateways that are wrong in one thing each: a fault fails its own clauses and no other.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  CLAUSES,
  formatReport,
  type Progress,
  type Report,
  reportDocument,
  runClauses,
} from "../../../adapters/gateway_check/mod.ts";
import { FakeGateway, type Fault } from "./fake_gateway.ts";

const TIMEOUT_MS = 150;

const MALFORMED = ["json", "msgpack", "type", "amount", "symbol", "version", "content_type", "question"].map(
  (name) => `malformed.${name}`,
);

function failed({ clauses }: Report): readonly string[] {
  return clauses.flatMap(({ id, outcome }) => (outcome === "fail" ? [id] : []));
}

const FAULTS: readonly (readonly [Fault, readonly string[]])[] = [
  ["ignores JSON", ["format.json", "repeat.changed"]],
  ["places every repeat", ["repeat.same", "repeat.after_end", "message.order_id"]],
  ["takes a changed body", ["repeat.changed"]],
  ["places what was cancelled before", ["repeat.cancel_first"]],
  ["tries a refused order again", ["repeat.after_refusal"]],
  ["shrinks the revision", ["message.revision"]],
  ["says amounts as floats", ["message.amounts"]],
  ["says times in seconds", ["message.times"]],
  ["is a day late", ["message.at"]],
  ["publishes under one subject", ["message.subject"]],
  ["has no message ids", ["message.id"]],
  ["has no schema version", ["message.headers"]],
  ["leaves the code out", ["order.rejected", "message.body"]],
  ["rejects without words", ["order.rejected"]],
  ["tells fills one by one", ["order.partial"]],
  ["tells only when asked", ["order.ioc", "order.partial", "cancel.race"]],
  ["says cancelled when the request is accepted", ["cancel.race"]],
  ["forgets final orders", ["query.final", "repeat.after_end", "message.order_id"]],
  ["rests what is to take", ["order.ioc"]],
  ["is silent about unknown orders", ["cancel.unknown", "query.unknown"]],
  ["says nothing of holdings", ["holdings.answered"]],
  ["says nothing of the venue", ["venue.published"]],
  ["never acknowledges", ["command.acknowledged"]],
  ["reads any version", ["malformed.version"]],
];

describe("a gateway that", () => {
  test("keeps the protocol passes every clause", async () => {
    const report = await runClauses(new FakeGateway(), { timeoutMs: TIMEOUT_MS });
    expect(report.clauses.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(report).toMatchObject({ ok: true, modes: ["paper"] });
    expect(report.clauses).toHaveLength(CLAUSES.length);
  });

  test.each(FAULTS)("%s fails %j", async (fault, clauses) => {
    const report = await runClauses(new FakeGateway(fault), { timeoutMs: TIMEOUT_MS });
    expect(failed(report)).toEqual(clauses);
    expect(report.ok).toBe(false);
  });

  test("drops what it cannot read fails the clauses about that, each", async () => {
    const report = await runClauses(new FakeGateway("drops the malformed"), { timeoutMs: TIMEOUT_MS });
    expect(failed(report)).toEqual(["repeat.changed", ...MALFORMED]);
  });

  test("dies of what it cannot read fails those that come after as well", async () => {
    const report = await runClauses(new FakeGateway("dies of the malformed"), {
      timeoutMs: TIMEOUT_MS,
      only: ["market", "malformed"],
    });
    expect(failed(report)).toEqual([...MALFORMED, "malformed.goes_on"]);
  });

  test("says nothing fails the first clause, and none of the others is tried at length", async () => {
    const report = await runClauses(new FakeGateway("is silent"), { timeoutMs: TIMEOUT_MS });
    expect(failed(report)).toEqual(["market.answered"]);
    expect(report.clauses[0]).toMatchObject({ because: "the gateway does not answer", got: [] });
    expect(new Set(report.clauses.slice(1).map(({ because }) => because))).toEqual(
      new Set(["the gateway has not said anything so far"]),
    );
    expect(report.durationMs).toBeLessThan(TIMEOUT_MS * 4);
  });
});

describe("a report", () => {
  test("of a clause that failed says what was sent, expected and heard", async () => {
    const report = await runClauses(new FakeGateway("leaves the code out"), {
      timeoutMs: TIMEOUT_MS,
      only: ["order.rejected"],
    });
    const text = formatReport(report);
    expect(text).toContain("FAIL  order.rejected");
    expect(text).toMatch(/expected +order.rejected with class, code, message and raw_response/);
    expect(text).toMatch(/because +it lacks code: it was purge.v1.results.REJECT-USD/);
    expect(text).toMatch(/sent +purge.v1.orders.REJECT-USD {"type":"market.refresh"/);
    expect(text).toMatch(/got +purge.v1.results.REJECT-USD {/);
    expect(text).toContain("This gateway breaks the protocol: 0 passed, 1 failed, 0 not shown");
  });

  test("for programs is plain data that says whether all went well", async () => {
    const report = await runClauses(new FakeGateway(), { timeoutMs: TIMEOUT_MS, only: ["market", "venue"] });
    const document = JSON.parse(JSON.stringify(reportDocument(report)));
    expect(document).toMatchObject({ kind: "gateway_check", ok: true, modes: ["paper"] });
    expect(document.clauses.map(({ id }: { readonly id: string }) => id)).toEqual([
      "market.answered",
      "market.unavailable",
      "venue.published",
    ]);
  });
});

describe("the check", () => {
  test("says loudly, and first, that it places real orders, and where", async () => {
    const heard: Progress[] = [];
    await runClauses(new FakeGateway(), {
      timeoutMs: TIMEOUT_MS,
      only: ["order.accepted"],
      observe: (progress) => heard.push(progress),
    });
    expect(heard.map(({ kind }) => kind)).toEqual(["warning", "clause"]);
    expect(heard[0]).toMatchObject({ message: expect.stringMatching(/REAL ORDERS.*ACCEPT-USD/) });
  });

  test("says that a gateway is live before it sends the first order", async () => {
    const heard: string[] = [];
    await runClauses(new FakeGateway("none", "live"), {
      timeoutMs: TIMEOUT_MS,
      only: ["market", "order.accepted"],
      observe: (progress) => heard.push(progress.kind === "clause" ? progress.clause.id : progress.message),
    });
    expect(heard[2]).toMatch(/says that it is LIVE/);
    expect(heard.indexOf("order.accepted")).toBeGreaterThan(2);
  });

  test("leaves no order open", async () => {
    const gateway = new FakeGateway();
    await runClauses(gateway, { timeoutMs: TIMEOUT_MS });
    expect(gateway.open).toEqual([]);
  });

  test("has a clause of its own name for each thing it shows", () => {
    const ids = CLAUSES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[a-z]+\.[a-z_]+$/.test(id))).toBe(true);
  });

  test("refuses a clause that there is not, rather than to pass without one", async () => {
    await expect(runClauses(new FakeGateway(), { only: ["market", "ordr.partial"] })).rejects.toThrow(
      /there is no clause ordr.partial; expected an id such as order.partial, or a group: market, format/,
    );
  });

  test("is documented, clause by clause", () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/gateway_check.md"), "utf8");
    const missing = CLAUSES.filter(({ id, sentence }) => !page.includes(`| \`${id}\` | ${sentence} |`));
    expect(missing.map(({ id, sentence }) => `| \`${id}\` | ${sentence} |`)).toEqual([]);
    expect(page.match(/^\| `[a-z]+\.[a-z_]+` \|/gm)).toHaveLength(CLAUSES.length);
  });
});
