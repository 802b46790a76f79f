// Runs one bench by its name: `npm run bench -- bus`. Says how when asked with `--help`.
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";

export interface BenchOptions {
  /** One JSON document on the standard output, and nothing else there. */
  readonly json: boolean;
}

interface Bench {
  readonly about: string;
  /** Measures, and prints unless `json` is set. Returns what it measured. */
  readonly run: (options: BenchOptions) => Promise<object>;
}

const BENCHES: ReadonlyMap<string, Bench> = new Map([
  [
    "bus",
    {
      about: "results a second from JetStream into the journal, and from a result to the next order",
      run: async (options) => (await import("./bus_bench.ts")).benchBus(options),
    },
  ],
  [
    "journal",
    {
      about: "records a second with and without group commit, and what a start costs",
      run: async (options) => (await import("./journal_bench.ts")).benchJournal(options),
    },
  ],
  [
    "replay",
    {
      about: "replay of a million records beside bare actors of the same machine",
      run: async (options) => (await import("./replay_bench.ts")).benchReplay(options),
    },
  ],
]);

const USAGE = `Usage: npm run bench -- <name> [--json]

Benches:
${[...BENCHES].map(([name, { about }]) => `  ${name.padEnd(10)}${about}`).join("\n")}

Options:
  --json    one JSON document instead of text
  --help    this text

Rates depend on the machine; the ratios within one run say more. A bench needs the machine for itself.
`;

async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const names = args.filter((arg) => !arg.startsWith("-"));
  const json = flags.includes("--json");
  const unknown = flags.find((flag) => !["--json", "--help", "-h"].includes(flag));
  if (flags.includes("--help") || flags.includes("-h")) return say(USAGE, 0);
  const [name] = names;
  const bench = name === undefined ? undefined : BENCHES.get(name);
  if (unknown !== undefined) return complain(`there is no option ${unknown}`);
  if (names.length !== 1) return complain(`expected the name of one bench, found ${names.length}`);
  if (bench === undefined) return complain(`there is no bench ${name}`);
  const machine = machineFacts();
  if (!json) console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`);
  const measured = await bench.run({ json });
  if (json) console.log(JSON.stringify({ bench: name, at: new Date().toISOString(), machine, ...measured }));
  return 0;
}

function machineFacts() {
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return {
    cpu: cpus()[0]?.model ?? "unknown processor",
    cores: availableParallelism(),
    system: `${platform()} ${arch()}, ${gib} GiB`,
    node: process.versions.node,
  };
}

function say(text: string, code: number): number {
  process.stdout.write(text);
  return code;
}

function complain(problem: string): number {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
