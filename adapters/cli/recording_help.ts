// The commands of recordings: `journal`, `record`, `replay`.
import { CONFIG, type Described, FOUND_BUS, LEDGER, STATE } from "./described.ts";

const FROM_BUS = "go on with what is yet to come, until SIGINT";

export const RECORDINGS: readonly Described[] = [
  {
    name: "journal",
    group: "Record and replay:",
    text: "write a ledger as JSON Lines, one record a line",
    usage: "[SYMBOL] [options]",
    argument: ["[symbol]", "one symbol alone, such as BONK-USD (default: all)"],
    flags: [
      ["--from <WHEN>", "from this sequence number or time on (default: the first record)"],
      ["--to <WHEN>", "up to this one, and with it (default: the last record)"],
      ["--follow", FROM_BUS],
      ...LEDGER,
    ],
    examples: [
      "purgatory journal > run.jsonl                                  all of the paper ledger",
      "purgatory journal BONK-USD --from 2025-11-11 | gzip > b.gz     one symbol, from a day on",
      "purgatory journal --follow | jq -r '[.at, .symbol, .state] | @tsv'",
    ],
  },
  {
    name: "record",
    group: "Record and replay:",
    text: "the same of a supervisor elsewhere, from what its bus has kept",
    usage: "[URL] [options]",
    argument: ["[url]", "a NATS server such as nats://127.0.0.1:4222; as --nats"],
    flags: [
      ["--symbol <SYMBOL>", "one symbol alone, such as BONK-USD (default: all)"],
      ["--follow", FROM_BUS],
      CONFIG,
      STATE,
    ],
    bus: FOUND_BUS,
    examples: ["purgatory record nats://127.0.0.1:4222 --nats-user observer > elsewhere.jsonl"],
  },
  {
    name: "replay",
    group: "Record and replay:",
    text: "feed a recording to the machine as it is now; fails where it goes another way",
    usage: "[FILE] [options]",
    argument: ["[file]", "what journal or record wrote, gzip or not; - for standard input (default: -)"],
    flags: [
      ["--json", "each step as a line of JSON instead of a table"],
      ["--mermaid", "the steps as a sequence diagram"],
      ["--quiet", "only where it ends"],
      ["--symbol <SYMBOL>", "one symbol alone, such as BONK-USD (default: all)"],
      ["--until <WHEN>", "up to this sequence number or time, and with it"],
      ["--context", "compare what the machine remembers, too"],
      ["--what-if <FILE>", "the same events under this policy.yaml: what would have been different"],
      ["--shrink", "the smallest part of a symbol's events that still diverges in the same way"],
      ["--shrink-to <STATE>", "the smallest part that still reaches a state, such as backoff.waiting"],
    ],
    examples: [
      "purgatory replay last_month.jsonl --quiet                    before tomorrow's version goes live",
      "purgatory journal BONK-USD | purgatory replay                what happened to one symbol",
      "purgatory replay run.jsonl --mermaid --symbol BONK-USD       the same as a picture",
      "purgatory replay run.jsonl --what-if tomorrow/policy.yaml    had the policy been another",
      "purgatory replay run.jsonl --shrink-to backoff.waiting       the shortest way there",
    ],
  },
];
