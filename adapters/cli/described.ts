// A command as data, and the flags that several of them have.

export type Flag = readonly [flags: string, text: string];

export const STATE: Flag = [
  "--state <DIR>",
  "where ledgers are kept (default: $PURGATORY_STATE or ./.purgatory)",
];
export const CONFIG: Flag = [
  "--config <DIR>",
  "the directory of policy.yaml, universe.yaml and app.yaml (default: $PURGATORY_CONFIG, or ./config where it has a policy.yaml, or the shipped one)",
];
export const LEDGER: readonly Flag[] = [
  STATE,
  ["--mode <MODE>", "which ledger: dry-run, paper or live (default: paper)"],
];
export const JSON_DOCUMENT: Flag = ["--json", "as one JSON document"];
export const SCRIPT: Flag = [
  "--script <FILE>",
  "what the paper exchange has in store (default: the shipped account)",
];
export const URL_TEXT = "a NATS server such as nats://127.0.0.1:4222";
export const OWN_BUS: Flag = ["--nats <URL>", `${URL_TEXT} (default: nats.url of app.yaml)`];
export const FOUND_BUS: Flag = [
  "--nats <URL>",
  `${URL_TEXT} (default: that of a run --nats spawn with this --state, or nats.url of app.yaml)`,
];

/** A command, as data. */
export interface Described {
  readonly name: string;
  readonly group: string;
  readonly text: string;
  readonly usage?: string;
  readonly argument?: Flag;
  readonly flags?: readonly Flag[];
  /** With the flags of the bus, `--nats` among them as it says here. */
  readonly bus?: Flag;
  readonly examples?: readonly string[];
  readonly commands?: readonly Described[];
}
