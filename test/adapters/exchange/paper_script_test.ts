// A script is taken whole or refused whole: one bad script for each rule, and the sentence that it earns.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PaperScriptError, parsePaperScript, readPaperScript } from "../../../adapters/exchange/mod.ts";
import { freshFile } from "./paper_kit.ts";

const product =
  "price: 0.1563, base_increment: 0.1, price_increment: 0.0001, base_min_size: 0.1, quote_min_size: 1";
const stepKinds = [
  ...["no_fill", "reject", "fill", "partial", "fill_during_cancel", "cancel_refused"],
  ...["fail", "expire", "unknown", "rate_limited", "server_error"],
];
const sound = `seed: 1
account: { USD: 10, SEI: 100 }
products:
  SEI-USD: { ${product} }
`;

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof PaperScriptError) return error.problems;
    throw error;
  }
  return [];
}
const problems = (text: string): readonly string[] => problemsOf(() => parsePaperScript(text, "p.yaml"));
const steps = (...items: readonly string[]): string =>
  `${sound}behaviour:\n  SEI-USD:\n${items.map((item) => `    - ${item}\n`).join("")}`;

describe("a bad script", () => {
  const kinds = stepKinds.join(", ");
  const cases: readonly [string, string, string][] = [
    ["an unknown section", `${sound}haults: []`, "p.yaml:5: haults is not a key here; did you mean halts?"],
    ["a missing section", "account: {}", "p.yaml:1: products is missing; write it"],
    [
      "a seed that is no number",
      sound.replace("1", "x"),
      "p.yaml:1: seed is x, not a whole number from 0 to 4294967295; write it like 1",
    ],
    [
      "a seed out of range",
      sound.replace("1", "4294967296"),
      "p.yaml:1: seed is 4294967296, not a whole number from 0 to 4294967295; write it like 1",
    ],
    [
      "a fee over the top",
      `fee_bps: 1000.01\n${sound}`,
      "p.yaml:1: fee_bps is 1000.01, not a plain decimal from 0 to 1000 with at most 2 decimals; write it like 60",
    ],
    [
      "a latency upside down",
      `latency_ms: { min: 2, max: 1 }\n${sound}`,
      "p.yaml:1: latency_ms.min is 2, above the max 1; swap them",
    ],
    [
      "a latency without a maximum",
      `latency_ms: { min: 2 }\n${sound}`,
      "p.yaml:1: latency_ms.max is missing; write it",
    ],
    [
      "a time below zero",
      `fill_after_ms: -1\n${sound}`,
      "p.yaml:1: fill_after_ms is -1, not a whole number from 0 to 86400000; write it like 1",
    ],
    [
      "a balance in exponents",
      sound.replace("100", "1e2"),
      "p.yaml:2: account.SEI.balance is 1e2, not a plain decimal with at most 18 decimals; write it like 889587.0",
    ],
    [
      "a currency in small letters",
      sound.replace("USD: 10", "usd: 10"),
      "p.yaml:2: account.usd is not named as a currency; did you mean USD?",
    ],
    [
      "a hold above the balance",
      sound.replace("SEI: 100", "SEI: { balance: 1, hold: 2 }"),
      "p.yaml:2: account.SEI.hold is 2, above the balance 1; lower it, or raise the balance",
    ],
    [
      "a product that is no pair",
      sound.replace("SEI-USD", "SEI"),
      "p.yaml:4: products.SEI is not named as a product; write a name like BONK-USD",
    ],
    [
      "a price of nothing",
      sound.replace("0.1563", "0.0"),
      "p.yaml:4: products.SEI-USD.price is 0.0, not a plain decimal above 0 with at most 12 decimals; write it like 0.1563",
    ],
    [
      "a price that is a list",
      sound.replace("0.1563", "[1]"),
      "p.yaml:4: products.SEI-USD.price is a list, not a plain decimal above 0 with at most 12 decimals; write it like 0.1563",
    ],
    [
      "an increment too fine",
      sound.replace("base_increment: 0.1", "base_increment: 0.0000000000001"),
      "p.yaml:4: products.SEI-USD.base_increment is 0.0000000000001, not a plain decimal above 0 with at most 12 decimals; write it like 0.1",
    ],
    [
      "a tick that prices BONK at a cent",
      sound.replace("price_increment: 0.0001", "price_increment: 0.2"),
      "p.yaml:4: products.SEI-USD.price_increment is 0.2, above the price 0.1563; make it finer",
    ],
    [
      "a product without a rule",
      sound.replace(", quote_min_size: 1", ""),
      "p.yaml:4: products.SEI-USD.quote_min_size is missing; write it",
    ],
    [
      "a rule by another name",
      sound.replace("base_min_size", "base_min_sz"),
      "p.yaml:4: products.SEI-USD.base_min_sz is not a key here; did you mean base_min_size?",
    ],
    [
      "a spread over the top",
      sound.replace(product, `${product}, spread_bps: 5001`),
      "p.yaml:4: products.SEI-USD.spread_bps is 5001, not a whole number from 0 to 5000; write it like 1",
    ],
    [
      "a volatility in words",
      sound.replace(product, `${product}, volatility_bps: high`),
      "p.yaml:4: products.SEI-USD.volatility_bps is high, not a whole number from 0 to 5000; write it like 1",
    ],
    [
      "a status that is none",
      sound.replace(product, `${product}, status: halt`),
      "p.yaml:4: products.SEI-USD.status is halt, not one of online, limit_only, post_only, cancel_only, halted, delisted; did you mean halted?",
    ],
    [
      "an empty value",
      sound.replace("0.1563", ""),
      "p.yaml:4: products.SEI-USD.price is empty; write a plain decimal above 0 with at most 12 decimals like 0.1563",
    ],
    [
      "behaviour of an unlisted product",
      `${sound}behaviour: { SIE-USD: [] }`,
      "p.yaml:5: behaviour.SIE-USD is not a listed product; did you mean SEI-USD?",
    ],
    [
      "behaviour that is no list",
      `${sound}behaviour: { SEI-USD: no_fill }`,
      "p.yaml:5: behaviour.SEI-USD is a single value, not a list; write one item a line, each after a dash",
    ],
    [
      "a step that is a word",
      steps("no_fill"),
      "p.yaml:7: behaviour.SEI-USD[0] is a single value, not a section; indent its keys under it",
    ],
    [
      "a step that does nothing",
      steps("{ repeat: 2 }"),
      `p.yaml:7: behaviour.SEI-USD[0] does nothing; write one of ${kinds}, steps`,
    ],
    [
      "a step that does two things",
      steps("{ no_fill: true, cancel_refused: 1 }"),
      "p.yaml:7: behaviour.SEI-USD[0] has no_fill and cancel_refused at once; a step does one thing: put them in steps of their own",
    ],
    [
      "an unknown step",
      steps("{ nofil: true }"),
      "p.yaml:7: behaviour.SEI-USD[0].nofil is not a key here; did you mean no_fill?",
    ],
    [
      "a no_fill that is not",
      steps("{ no_fill: false }"),
      "p.yaml:7: behaviour.SEI-USD[0].no_fill is false, not true; write true or delete it",
    ],
    [
      "a repeat of nothing",
      steps("{ repeat: 0, no_fill: true }"),
      "p.yaml:7: behaviour.SEI-USD[0].repeat is 0, not a whole number from 1 to 1000000; write it like 2",
    ],
    [
      "a group within a group",
      steps("steps: [{ steps: [] }]"),
      "p.yaml:7: behaviour.SEI-USD[0].steps[0].steps is not a key here; delete it, or write one of repeat, " +
        kinds,
    ],
    [
      "an empty group",
      steps("steps: []"),
      "p.yaml:7: behaviour.SEI-USD[0].steps has no steps; write one, or delete the group",
    ],
    [
      "a reject without a code",
      steps("reject: { message: no }"),
      "p.yaml:7: behaviour.SEI-USD[0].reject.code is missing; write it",
    ],
    [
      "a reject in small letters",
      steps("reject: { code: no_way }"),
      "p.yaml:7: behaviour.SEI-USD[0].reject.code is no_way, not a code in capitals; write it like INVALID_ORDER_CONFIGURATION",
    ],
    [
      "a message without end",
      steps(`reject: { code: NO, message: ${"x".repeat(501)} }`),
      `p.yaml:7: behaviour.SEI-USD[0].reject.message is "${"x".repeat(60)}…", not text of 1 to 500 characters; write it like Invalid order size`,
    ],
    [
      "parts of less than an order",
      steps("fill: { parts: [0.5, 0.4] }"),
      "p.yaml:7: behaviour.SEI-USD[0].fill.parts add up to 0.9, not 1; use partial for an order that is not filled",
    ],
    [
      "parts of more than an order",
      steps("fill: { parts: [0.5, 0.6] }"),
      "p.yaml:7: behaviour.SEI-USD[0].fill.parts add up to 1.1, not 1; use partial for an order that is not filled",
    ],
    [
      "a part of nothing",
      steps("fill: { parts: [0, 1] }"),
      "p.yaml:7: behaviour.SEI-USD[0].fill.parts[0].fraction is 0, not a fraction above 0 and at most 1; write it like 0.5",
    ],
    [
      "a partial fill of the whole",
      steps("partial: { fraction: 1 }"),
      "p.yaml:7: behaviour.SEI-USD[0].partial.fraction is 1, not a fraction above 0 and below 1; write it like 0.4",
    ],
    [
      "a partial fill and then what",
      steps("partial: { fraction: 0.5, then: stop }"),
      "p.yaml:7: behaviour.SEI-USD[0].partial.then is stop, not one of rest, cancel; write one of rest, cancel",
    ],
    [
      "a fill during cancel above one",
      steps("fill_during_cancel: 1.5"),
      "p.yaml:7: behaviour.SEI-USD[0].fill_during_cancel is 1.5, not a fraction above 0 and at most 1; write it like 0.5",
    ],
    [
      "a cancel refused never",
      steps("cancel_refused: 0"),
      "p.yaml:7: behaviour.SEI-USD[0].cancel_refused is 0, not a whole number from 1 to 1000; write it like 2",
    ],
    [
      "an unknown that may have happened",
      steps("unknown: { happened: maybe }"),
      "p.yaml:7: behaviour.SEI-USD[0].unknown.happened is maybe, not one of true, false; write one of true, false",
    ],
    [
      "throttling without end",
      steps("rate_limited: 1001"),
      "p.yaml:7: behaviour.SEI-USD[0].rate_limited is 1001, not a whole number from 1 to 1000; write it like 2",
    ],
    [
      "server errors by word",
      steps("server_error: some"),
      "p.yaml:7: behaviour.SEI-USD[0].server_error is some, not a whole number from 1 to 1000; write it like 2",
    ],
    [
      "a failure without a code",
      steps("fail: {}"),
      "p.yaml:7: behaviour.SEI-USD[0].fail.code is missing; write it",
    ],
    [
      "an expiry after years",
      steps("expire: { after_ms: 99999999 }"),
      "p.yaml:7: behaviour.SEI-USD[0].expire.after_ms is 99999999, not a whole number from 0 to 86400000; write it like 1",
    ],
    [
      "an outage of another kind",
      `${sound}outages: [{ from_s: 0, for_s: 1, kind: dwn }]`,
      "p.yaml:5: outages[0].kind is dwn, not one of down, maintenance, rate_limited; did you mean down?",
    ],
    [
      "an outage that never is",
      `${sound}outages: [{ from_s: 0, for_s: 0, kind: down }]`,
      "p.yaml:5: outages[0].for_s is 0, not a number of seconds from 0.001 to 315360000; write it like 90",
    ],
    [
      "a halt of an unlisted product",
      `${sound}halts: [{ symbol: SE-USD, from_s: 0, for_s: 1 }]`,
      "p.yaml:5: halts[0].symbol is SE-USD, not a listed product; did you mean SEI-USD?",
    ],
    [
      "a stale quote before the beginning",
      `${sound}stale_quotes: [{ symbol: SEI-USD, from_s: -1, for_s: 1 }]`,
      "p.yaml:5: stale_quotes[0].from_s is -1, not a number of seconds from 0 to 315360000; write it like 90",
    ],
    [
      "a crossed quote without an end",
      `${sound}crossed: [{ symbol: SEI-USD, from_s: 1 }]`,
      "p.yaml:5: crossed[0].for_s is missing; write it",
    ],
    [
      "a key twice",
      `${sound}seed: 2`,
      "p.yaml:5: this line is not YAML (Map keys must be unique); compare this line with the shipped script",
    ],
    [
      "two documents",
      `${sound}---\nseed: 1`,
      "p.yaml:5: this line has a second document after ---; keep one document a file",
    ],
    ["no YAML at all", "a: [", ""],
    ["nothing", "", "p.yaml: the file is not a script; begin with sections such as account and products"],
    ["a list", "- 1", "p.yaml: the file is not a script; begin with sections such as account and products"],
  ];
  test.each(cases)("%s", (_, text, sentence) => {
    const said = problems(text);
    if (sentence === "")
      expect(said).toEqual([expect.stringMatching(/^p\.yaml:1: this line is not YAML \(/)]);
    else expect(said).toContain(sentence);
    if (sentence !== "" && !/missing|base_min/.test(sentence)) expect(said).toHaveLength(1);
  });

  test("is told everything at once, in the order of its lines", () => {
    const text = `seed: x
latency_ms: { min: 9, max: 1 }
acount: {}
account: { SEI: { balance: 1, hold: 2 } }
products: { SEI-USD: { ${product}, status: halt } }
behaviour: { SEI-USD: [{}, { no_fill: true, reject: { code: a } }], ABC-USD: [] }
halts: [7]`;
    const places = problems(text).map((sentence) => /^p\.yaml:(\d+: \S+)/.exec(sentence)?.[1]);
    expect(places).toEqual([
      "1: seed",
      "2: latency_ms.min",
      "3: acount",
      "4: account.SEI.hold",
      "5: products.SEI-USD.status",
      "6: behaviour.SEI-USD[1].reject.code",
      "6: behaviour.ABC-USD",
      "6: behaviour.SEI-USD[0]",
      "6: behaviour.SEI-USD[1]",
      "7: halts[0]",
    ]);
  });

  test("with a fault of syntax is told of it once, not of all that follows from it", () => {
    const broken = sound.replace("base_increment: 0.1", "base_increment: { 0.1");
    const said = problems(`${broken}${"x: {\n".repeat(40)}`);
    const lines = said.map((sentence) => /^p\.yaml:\d+/.exec(sentence)?.[0]);
    expect(said.length).toBeLessThanOrEqual(3);
    expect([lines[0], new Set(lines).size]).toEqual(["p.yaml:5", said.length]);
  });

  test("with a flood of aliases is refused and does not fill the memory", () => {
    const layers = Array.from(
      { length: 12 },
      (_, i) =>
        `a${i}: &a${i} [${Array(10)
          .fill(i === 0 ? "x" : `*a${i - 1}`)
          .join(", ")}]`,
    );
    expect(problems(layers.join("\n"))).toEqual([
      "p.yaml: the file has aliases that expand too far; write the values themselves",
    ]);
  });

  test("that cannot be read is named, with why", () => {
    const path = `${freshFile()}.yaml`;
    expect(problemsOf(() => readPaperScript(path))).toEqual([
      expect.stringMatching(/cannot be read \(ENOENT.*; name a readable UTF-8 file$/),
    ]);
    writeFileSync(path, Buffer.from([0x73, 0xff, 0xfe]));
    expect(problemsOf(() => readPaperScript(path))).toEqual([expect.stringContaining("not valid")]);
    writeFileSync(path, "#".repeat(300_000));
    expect(problemsOf(() => readPaperScript(path))).toEqual([
      expect.stringContaining("over the limit of 262144"),
    ]);
  });
});

describe("a good script", () => {
  test("needs an account and products; the rest has defaults", () => {
    const script = parsePaperScript(sound.replace("seed: 1\n", ""));
    expect({ ...script, products: [...script.products], behaviour: [...script.behaviour] }).toEqual({
      seed: 1,
      fee_bps: "0",
      latency_ms: { min: 0, max: 0 },
      fill_after_ms: 1_000,
      refusals: "remembered",
      account: { USD: { balance: "10", hold: "0" }, SEI: { balance: "100", hold: "0" } },
      products: [
        [
          "SEI-USD",
          {
            ...{ price: "0.1563", spread_bps: 10, volatility_bps: 0, status: "online" },
            ...{
              base_increment: "0.1",
              price_increment: "0.0001",
              base_min_size: "0.1",
              quote_min_size: "1",
            },
          },
        ],
      ],
      behaviour: [],
      ...{ outages: [], halts: [], stale_quotes: [], crossed: [] },
    });
  });

  test("keeps amounts as they are written, quoted or not", () => {
    const text = sound.replace(
      "USD: 10, SEI: 100",
      `BONK: 889587.0, SEI: "36.40", BTC: 0.000000000000000001`,
    );
    const { account } = parsePaperScript(text);
    expect(Object.values(account).map(({ balance }) => balance)).toEqual([
      "889587.0",
      "36.40",
      "0.000000000000000001",
    ]);
  });

  test("may use anchors, and parts with and without times", () => {
    const text = `${sound.replace(`{ ${product} }`, `&rules { ${product} }`)}  SEI-USDC: *rules
behaviour: { SEI-USDC: [{ fill: { parts: [0.5, { fraction: 0.5, after_ms: 7 }] } }] }`;
    expect([...parsePaperScript(text).behaviour.values()]).toEqual([
      [
        {
          repeat: 1,
          step: {
            kind: "fill",
            parts: [
              { fraction: "0.5", after_ms: null },
              { fraction: "0.5", after_ms: 7 },
            ],
          },
        },
      ],
    ]);
  });

  const root = join(import.meta.dirname, "../../..");
  const shipped = readdirSync(join(root, "config/scripts")).map((name) => join("scripts", name));
  test.each(["paper.yaml", ...shipped])("%s, which is shipped, is one", (name) => {
    expect(problemsOf(() => readPaperScript(join(root, "config", name)))).toEqual([]);
  });

  const guide = readFileSync(join(root, "docs/paper_exchange.md"), "utf8");
  const examples = [...guide.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => text);

  test.each(examples)("the guide's example is one: %s", (text) => {
    const script = text.startsWith("-")
      ? `${sound}behaviour:\n  SEI-USD:\n${text.replace(/^/gm, "    ")}`
      : text;
    expect(problems(script)).toEqual([]);
  });

  test("every step has its example in the guide", () => {
    const shown = examples.join("");
    for (const kind of [...stepKinds, "steps", "repeat"]) expect(shown).toMatch(new RegExp(`\\b${kind}:`));
  });
});
