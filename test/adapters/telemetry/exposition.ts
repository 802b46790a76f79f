// Reads Prometheus's text format, as strictly as a scraper does.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  readonly samples: readonly Sample[];
  /** Metric name to type, from the `# TYPE` lines. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  /** The value of one series; undefined when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

/** @throws Error when a line is not of the format, or a series stands there twice */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the text does not end with a line break");
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  const seen = new Set<string>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, about, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (about !== undefined && name !== undefined && rest !== undefined) {
      (about === "TYPE" ? types : helps).set(name, rest);
      continue;
    }
    const sample = parseSample(line);
    const key = keyOf(sample.name, sample.labels);
    if (seen.has(key)) throw new Error(`${key} stands there twice`);
    seen.add(key);
    samples.push(sample);
  }
  const values = new Map(samples.map((sample) => [keyOf(sample.name, sample.labels), sample.value]));
  return { samples, types, helps, value: (name, labels = {}) => values.get(keyOf(name, labels)) };
}

function parseSample(line: string): Sample {
  const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || value === undefined || Number.isNaN(Number(value))) {
    throw new Error(`not a sample: ${line}`);
  }
  return { name, labels: parseLabels(labels), value: Number(value) };
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ""; ) {
    const [whole, name, value] = LABEL.exec(rest) ?? [];
    if (whole === undefined || name === undefined || value === undefined)
      throw new Error(`not labels: ${text}`);
    labels[name] = value;
    rest = rest.slice(whole.length);
  }
  return labels;
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
