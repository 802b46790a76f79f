// Clauses about questions: the market, the account, the venue; in both formats.
import { textOf } from "./reading.ts";
import { type Clause, describe, fail, pass, requestId } from "./stage.ts";

const WHERE_FROM =
  "the products that the check trades are not there: run the gateway on config/gateway_check.yaml, or name others";

export const QUESTION_CLAUSES: readonly Clause[] = [
  {
    id: "market.answered",
    sentence: "market.refresh is answered with market.snapshot under the same request_id.",
    async check(stage) {
      const expected = "market.snapshot with quote, available and product";
      const quote = await stage.quote(stage.symbols.accept);
      if (quote !== null) return pass(expected);
      const word = stage.heard.find(({ channel }) => channel === "results") ?? null;
      if (word === null) return fail(expected, "the gateway does not answer");
      const hint = word.body["type"] === "market.unavailable" ? `; ${WHERE_FROM}` : "";
      return fail(expected, describe(word) + hint);
    },
  },
  ...(["json", "msgpack"] as const).map(
    (format): Clause => ({
      id: `format.${format}`,
      sentence: `A command in ${format === "json" ? "JSON" : "MessagePack"} is read, as its Content-Type says.`,
      async check(stage) {
        const expected = "an answer under the same request_id";
        const request_id = requestId();
        const symbol = stage.symbols.accept;
        const from = await stage.command({ type: "market.refresh", symbol, request_id }, format);
        const answer = await stage.answer(from, { request_id });
        return answer === null ? fail(expected, describe(answer)) : pass(expected);
      },
    }),
  ),
  {
    id: "market.unavailable",
    sentence: "A market that cannot be read is answered with market.unavailable, and says why.",
    async check(stage) {
      const expected = "market.unavailable with a rejection";
      const request_id = requestId();
      const from = await stage.command({ type: "market.refresh", symbol: stage.symbols.unknown, request_id });
      const answer = await stage.answer(from, { request_id });
      return answer?.body["type"] === "market.unavailable"
        ? pass(expected)
        : fail(expected, describe(answer));
    },
  },
  {
    id: "holdings.answered",
    sentence: "holdings.refresh is answered on purge.v1.holdings under the same request_id.",
    async check(stage) {
      const expected = "holdings.snapshot or holdings.unavailable";
      const request_id = requestId();
      const from = await stage.command({ type: "holdings.refresh", request_id });
      const answer = await stage.ear.first(
        from,
        ({ channel, body }) => channel === "holdings" && body["request_id"] === request_id,
        stage.timeoutMs,
      );
      const type = answer === null ? null : textOf(answer.body, "type");
      const isRight = type === "holdings.snapshot" || type === "holdings.unavailable";
      return isRight ? pass(expected) : fail(expected, describe(answer));
    },
  },
];
