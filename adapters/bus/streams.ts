// Creates the streams and durable consumers of the bus, and checks those that are there: nothing is changed unasked.
import { setTimeout as sleep } from "node:timers/promises";
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  ReplayPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { errors, type NatsConnection, nanos } from "@nats-io/transport-node";
import { BusError } from "../../actors/ports.ts";
import {
  ACK_WAIT_MS,
  CONSUMERS,
  DAY_MS,
  MAX_ACK_PENDING,
  MAX_DELIVER,
  MINUTE_MS,
  SECOND_MS,
  type StreamName,
  STREAMS,
} from "./stream_settings.ts";

export {
  ACK_WAIT_MS,
  CONSUMERS,
  type ConsumerSettings,
  MAX_ACK_PENDING,
  MAX_DELIVER,
  type StreamName,
  type StreamSettings,
  STREAMS,
} from "./stream_settings.ts";

export interface EnsureOptions {
  /** `create`: what is missing is made. `update`: what differs is changed, besides. `verify`: nothing is touched. */
  readonly may: "verify" | "create" | "update";
  /** Of each stream, in a cluster. Not checked when it is left out, and 1 for a new stream. */
  readonly replicas?: number;
  /** Which streams, with their consumers: all, when it is left out. A restricted user may not see all of them. */
  readonly streams?: readonly StreamName[];
  /** How long the server may take for one answer. */
  readonly timeoutMs?: number;
}
export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly found: string;
}
export type Finding = "created" | "unchanged" | "updated" | "different" | "missing";
export interface StreamReport {
  readonly streams: readonly {
    readonly name: string;
    readonly what: Finding;
    readonly differences: readonly Difference[];
  }[];
  readonly consumers: readonly {
    readonly stream: string;
    readonly name: string;
    readonly what: Finding;
    readonly differences: readonly Difference[];
  }[];
}

/** Sees to it that streams and consumers are there with the settings that this program relies on.
 *
 * @throws BusError `refused` with each difference when something is missing or different and may not be made so, when
 * the server has no JetStream, or does not allow it; `disconnected` when it does not answer.
 */
export async function ensureStreams(
  connection: NatsConnection,
  options: EnsureOptions,
): Promise<StreamReport> {
  const report = await inspect(connection, options);
  const problems = problemsIn(report);
  if (problems.length === 0) return report;
  throw new BusError({ reason: "refused", message: problems.join("\n") });
}

/** What `purgatory nats init` does: creates what is missing; changes what differs only when told to.
 *
 * @throws BusError as `ensureStreams`, but not for differences: they are in the report.
 */
export function initStreams(
  connection: NatsConnection,
  { replicas, update, ...rest }: { replicas?: number; update: boolean; timeoutMs?: number },
): Promise<StreamReport> {
  const may = update ? "update" : "create";
  return inspect(connection, { ...rest, may, ...(replicas === undefined ? {} : { replicas }) });
}

/** Whether all is as it has to be. */
export function isReady(report: StreamReport): boolean {
  return problemsIn(report).length === 0;
}

/** For people, a line for each stream and consumer, and what to do about differences. */
export function formatStreamReport(report: StreamReport): string {
  const lines = [
    ...report.streams.map(({ name, what, differences }) => reportLine(`stream ${name}`, what, differences)),
    ...report.consumers.map(({ stream, name, what, differences }) =>
      reportLine(`consumer ${name} of ${stream}`, what, differences),
    ),
  ];
  const advice = problemsIn(report);
  return `${[...lines, ...(advice.length === 0 ? [] : ["", ...advice])].join("\n")}\n`;
}

const TIMEOUT_MS = 5_000;
const AGAIN_MS = 250;
/** "JetStream system temporarily unavailable". */
const NOT_READY = 10_008;

/** What is being done, and what removes its object: for errors. */
interface Step {
  doing: string;
  remedy: string;
}

async function inspect(connection: NatsConnection, options: EnsureOptions): Promise<StreamReport> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const step: Step = { doing: "asking for JetStream", remedy: "" };
  for (const since = performance.now(); ; await sleep(AGAIN_MS)) {
    try {
      return await inspectOnce(connection, { ...options, timeoutMs }, step);
    } catch (error) {
      // A cluster that has just started has no leader yet.
      const isEarly = error instanceof JetStreamApiError && error.code === NOT_READY;
      if (!isEarly || performance.now() - since > timeoutMs) throw explain(error, step);
    }
  }
}

async function inspectOnce(
  connection: NatsConnection,
  options: EnsureOptions & { readonly timeoutMs: number },
  step: Step,
): Promise<StreamReport> {
  const names = options.streams ?? Object.keys(STREAMS).filter(isStreamName);
  const streams: StreamReport["streams"][number][] = [];
  const consumers: StreamReport["consumers"][number][] = [];
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: options.timeoutMs });
  for (const name of names) {
    Object.assign(step, { doing: `the stream ${name}`, remedy: `nats stream rm ${name}` });
    streams.push({ name, ...(await stream(manager, name, options)) });
  }
  for (const { stream: of, durable } of CONSUMERS.filter((one) => names.includes(one.stream))) {
    Object.assign(step, {
      doing: `the consumer ${durable} of ${of}`,
      remedy: `nats consumer rm ${of} ${durable}`,
    });
    const there = streams.find(({ name }) => name === of)?.what !== "missing";
    const found = there ? await consumer(manager, of, durable, options) : MISSING;
    consumers.push({ stream: of, name: durable, ...found });
  }
  return { streams, consumers };
}

interface Found {
  readonly what: Finding;
  readonly differences: readonly Difference[];
}
const MISSING: Found = { what: "missing", differences: [] };

async function stream(manager: JetStreamManager, name: StreamName, options: EnsureOptions): Promise<Found> {
  const wanted = streamConfig(name, options.replicas);
  const { description: _, ...settings } = wanted;
  const info = await manager.streams.info(name).catch(nullIf(JetStreamApiCodes.StreamNotFound));
  if (info === null) {
    if (options.may === "verify") return MISSING;
    await manager.streams.add({ ...wanted, num_replicas: options.replicas ?? 1 });
    return { what: "created", differences: [] };
  }
  const differences = compare(settings, info.config);
  if (differences.length === 0) return { what: "unchanged", differences };
  if (options.may !== "update") return { what: "different", differences };
  await manager.streams.update(name, wanted);
  const left = compare(settings, (await manager.streams.info(name)).config);
  return left.length === 0 ? { what: "updated", differences } : { what: "different", differences: left };
}

async function consumer(
  manager: JetStreamManager,
  of: StreamName,
  durable: string,
  options: EnsureOptions,
): Promise<Found> {
  const { description, ...settings } = consumerConfig(of, durable);
  const info = await manager.consumers.info(of, durable).catch(nullIf(JetStreamApiCodes.ConsumerNotFound));
  if (info === null) {
    if (options.may === "verify") return MISSING;
    await manager.consumers.add(of, { ...settings, description });
    return { what: "created", differences: [] };
  }
  const differences = compare({ ...settings, ...NOT_IN_CONSUMER }, info.config);
  if (differences.length === 0) return { what: "unchanged", differences };
  if (options.may !== "update") return { what: "different", differences };
  await manager.consumers.update(of, durable, { ...settings, ...CLEARED, description });
  const after = (await manager.consumers.info(of, durable)).config;
  const left = compare({ ...settings, ...NOT_IN_CONSUMER }, after);
  return left.length === 0 ? { what: "updated", differences } : { what: "different", differences: left };
}

function streamConfig(name: StreamName, replicas: number | undefined) {
  const settings = STREAMS[name];
  return {
    name,
    description: settings.description,
    subjects: [...settings.subjects],
    retention: settings.retention,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(settings.maxAgeMs),
    max_msgs: -1,
    max_msgs_per_subject: settings.maxMessagesPerSubject,
    max_consumers: -1,
    duplicate_window: nanos(settings.duplicateWindowMs),
    no_ack: false,
    deny_delete: false,
    deny_purge: false,
    ...(replicas === undefined ? {} : { num_replicas: replicas }),
  } satisfies Partial<StreamConfig>;
}

function consumerConfig(of: StreamName, durable: string) {
  return {
    durable_name: durable,
    description:
      CONSUMERS.find((one) => one.stream === of && one.durable === durable)?.description ?? durable,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_deliver: MAX_DELIVER,
    max_ack_pending: MAX_ACK_PENDING,
    replay_policy: ReplayPolicy.Instant,
  } satisfies Partial<ConsumerConfig>;
}

/** What a consumer must not have: each would keep messages from it, or forget it. */
const CLEARED = {
  inactive_threshold: 0,
  headers_only: false,
  mem_storage: false,
} satisfies Partial<ConsumerConfig>;
/** The server or its client cannot take these away from a consumer. */
const NOT_IN_CONSUMER = {
  ...CLEARED,
  backoff: null,
  filter_subject: null,
  filter_subjects: null,
  deliver_subject: null,
};

/** Servers leave out what is empty, false or 0, so null, these and nothing at all are one. */
function compare(wanted: object, found: object): readonly Difference[] {
  const there = new Map<string, unknown>(Object.entries(found));
  return Object.entries(wanted).flatMap(([field, value]: [string, unknown]) => {
    const expected = shown(field, value);
    const actual = shown(field, there.get(field));
    return expected === actual ? [] : [{ field, expected, found: actual }];
  });
}

const DURATIONS: ReadonlySet<string> = new Set([
  "max_age",
  "duplicate_window",
  "ack_wait",
  "inactive_threshold",
]);
const NANOS_IN_MS = 1_000_000;

function shown(field: string, value: unknown): string {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(String).toSorted().join(", ");
  if (typeof value === "number" && DURATIONS.has(field)) return duration(value / NANOS_IN_MS);
  return value === -1 ? "unlimited" : String(value);
}

function duration(ms: number): string {
  const units: readonly [number, string][] = [
    [DAY_MS, "d"],
    [MINUTE_MS, "min"],
    [SECOND_MS, "s"],
  ];
  const unit = units.find(([size]) => ms % size === 0);
  return unit === undefined ? `${ms} ms` : `${ms / unit[0]} ${unit[1]}`;
}

function problemsIn({ streams, consumers }: StreamReport): readonly string[] {
  const all = [
    ...streams.map((one) => ({ ...one, subject: `the stream ${one.name}` })),
    ...consumers.map((one) => ({ ...one, subject: `the consumer ${one.name} of ${one.stream}` })),
  ];
  const missing = all.filter(({ what }) => what === "missing").map(({ subject }) => subject);
  const different = all.filter(({ what }) => what === "different");
  return [
    ...(missing.length === 0
      ? []
      : [
          `missing: ${missing.join(", ")}; a supervisor makes them at its start, or run: purgatory nats init`,
        ]),
    ...different.map(({ subject, differences }) => `${subject} has other settings: ${inWords(differences)}`),
    ...(different.length === 0
      ? []
      : ["to bring them in line, run: purgatory nats init --update; nothing was changed"]),
  ];
}

function inWords(differences: readonly Difference[]): string {
  return differences
    .map(({ field, expected, found }) => `${field} is ${found}, expected ${expected}`)
    .join("; ");
}

function reportLine(subject: string, what: Finding, differences: readonly Difference[]): string {
  if (differences.length === 0) return `${subject}: ${what}`;
  if (what !== "updated") return `${subject}: ${what} (${inWords(differences)})`;
  const changes = differences.map(
    ({ field, expected, found }) => `${field} was ${found}, is now ${expected}`,
  );
  return `${subject}: ${what} (${changes.join("; ")})`;
}

function isStreamName(name: string): name is StreamName {
  return Object.hasOwn(STREAMS, name);
}

function nullIf(code: number): (error: unknown) => null {
  return (error) => {
    if (error instanceof JetStreamApiError && error.code === code) return null;
    throw error;
  };
}

function explain(error: unknown, { doing, remedy }: Step): BusError {
  const said = error instanceof Error ? error.message : String(error);
  const violation = violationIn(error);
  if (error instanceof Error && error.name === "JetStreamNotEnabled") {
    const cause = error.cause instanceof JetStreamApiError ? "this account" : "the server";
    const advice =
      "start nats-server with --jetstream --store_dir DIR, or enable jetstream in its configuration";
    return refused(`${cause} has no JetStream, which orders and results need: ${advice} (${said})`);
  }
  if (violation !== null) {
    const what = `${violation.operation === "publish" ? "publish to" : "subscribe to"} ${violation.subject}`;
    return refused(`${doing}: the server does not allow this user to ${what}; see config/nats`);
  }
  if (error instanceof JetStreamApiError && error.code !== NOT_READY) {
    // Some settings are for life: storage, retention to and from a work queue, who acknowledges what.
    const advice = /can ?not (be )?(change|update)|not allowed to update|can not be updated/i.test(said)
      ? `; what it holds would be lost, but there is no other way: remove it with: ${remedy}`
      : "";
    return refused(`${doing}: JetStream refused: ${said}${advice}`);
  }
  return new BusError({ reason: "disconnected", message: `${doing}: JetStream did not answer: ${said}` });
}

function violationIn(error: unknown): InstanceType<typeof errors.PermissionViolationError> | null {
  if (error instanceof errors.PermissionViolationError) return error;
  return error instanceof Error && error.cause !== undefined ? violationIn(error.cause) : null;
}

function refused(message: string): BusError {
  return new BusError({ reason: "refused", message });
}
