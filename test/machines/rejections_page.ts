// Writes `docs/rejections.md` from the rejection table, so that the page cannot say anything else than the code does.
import {
  adviceFor,
  classify,
  errorLine,
  REJECTION_TABLE,
  type Rejection,
  type RejectionRow,
} from "../../machines/mod.ts";

const CONSEQUENCES: Readonly<Record<Rejection["class"], readonly [string, string]>> = {
  symbol: [
    "The symbol's fault",
    "The attempt fails and counts: from the third failure in a row the symbol rests.",
  ],
  requote: [
    "The price's fault",
    "The same attempt goes on with a new quote, a new price and a new order id, a few times.",
  ],
  venue: [
    "The exchange's fault",
    "The attempt is interrupted and does not count; the venue breaker stops every symbol.",
  ],
  account: [
    "The account's fault",
    "The attempt is interrupted and does not count; purging stops and says so.",
  ],
  transport: [
    "The network's fault",
    "The gateway tries again; then the outcome counts as unknown and is asked for.",
  ],
};

/** The whole page, as Markdown. */
export function rejectionsPage(): string {
  const classes = Object.entries(CONSEQUENCES).map(
    ([name, [whose, then]]) => `| \`${name}\` | ${whose} | ${then} |`,
  );
  return [
    INTRODUCTION,
    table(["class", "whose fault", "what happens"], classes),
    FLAGS,
    "## What the exchange says",
    PREFIX,
    codes("exchange"),
    "## What this program says",
    "These come from the gateway or from a symbol's own machine; the exchange refused nothing.",
    codes("own"),
    "## A code that is not here",
    `${adviceFor("")} In the record of the rejection \`classified\` is false, and such codes are counted.`,
    `This page is written from \`machines/rejection_table.ts\`. After changing that file:\n\n${WRITE}`,
  ]
    .join("\n\n")
    .concat("\n");
}

const EXAMPLE = classify({
  code: "INVALID_ORDER_CONFIGURATION",
  message: "Invalid order size",
  details: null,
  preview_failure: null,
  raw_response: null,
});

const INTRODUCTION = `# Rejections

A refused order leaves one line, with everything that the exchange said, and the raw response as a field beside it:

    ${errorLine(EXAMPLE)}

Look up the code after \`error=\` here. Where \`preview_failure=\` names one too, look that up as well: it is the more
telling of the two, and it decides where the first only says that something was wrong (**vague**).`;

const FLAGS = `Three marks change that:

- **vague**: says that something was wrong, not what. A more telling code in \`preview_failure\`, the message, the details or the
  body decides in its place.
- **reconcile**: the balance is read again before the exchange is believed.
- **halt**: the same from many symbols within a minute is the exchange's fault, not theirs.`;

const PREFIX =
  "A code with `PREVIEW_` before it means the same as the code without, unless it has a place of its own below.";

const WRITE =
  "    npx vitest run --config test/vitest.config.ts test/machines/rejections_page_test.ts --update=all";

function codes(source: RejectionRow["source"]): string {
  const rows = REJECTION_TABLE.filter((row) => row.source === source).map(
    (row) =>
      `| **${row.title}** | ${marks(row)} | ${row.codes.map((code) => `\`${code}\``).join(" ")} | ${row.advice} |`,
  );
  return table(["what is wrong", "class", "codes", "what to do"], rows);
}

function marks({ class: name, vague, reconcile, halt }: RejectionRow): string {
  const flags = Object.entries({ vague, reconcile, halt }).flatMap(([flag, isSet]) =>
    isSet ? [`**${flag}**`] : [],
  );
  return [`\`${name}\``, ...flags].join(", ");
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...rows].join("\n");
}
