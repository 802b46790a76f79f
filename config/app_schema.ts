// app.yaml: how the program itself runs. No secret stands in it, only where to find one.
import * as Schema from "effect/Schema";
import {
  choice,
  host,
  ignoring,
  integer,
  number,
  optionalInboxPrefix,
  optionalInteger,
  optionalNatsUrl,
  optionalSecret,
  optionalUser,
} from "./keys.ts";

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const nats = Schema.Struct({
  url: optionalNatsUrl("Server to connect to, such as nats://127.0.0.1:4222. None: the in-process bus."),
  user: optionalUser("User name, or a reference to it."),
  password: optionalSecret("Reference to the password."),
  token: optionalSecret("Reference to the token, for servers that want one instead of user and password."),
  nkey: optionalSecret("Reference to the seed of a user's nkey, which begins with SU."),
  creds: optionalSecret("Reference to a credentials file: a user's JWT and seed."),
  tls_ca: optionalSecret(
    "Reference to the certificates that the server's must be signed by. None: the system's.",
  ),
  tls_cert: optionalSecret("Reference to the certificate that this program shows the server."),
  tls_key: optionalSecret("Reference to the private key of that certificate."),
  inbox_prefix: optionalInboxPrefix(
    "What replies are sent under. None: made from the name of the user, where that is a plain word.",
  ),
});

const breaker = Schema.Struct({
  venue_cooldown_seconds: number(
    { default: 60, min: 1, max: 86_400 },
    "How long nothing is sent after the exchange itself failed; doubles while the probe fails.",
  ),
  venue_cooldown_max_seconds: number({ default: 900, min: 1, max: 86_400 }, "No such pause is longer."),
  account_cooldown_seconds: number(
    { default: 3600, min: 1, max: 604_800 },
    "How long nothing is sent after the exchange refused the account: bad key, missing scope.",
  ),
  symbols_for_halt: integer(
    { default: 3, min: 2, max: 1000 },
    "The same halt code on this many symbols is the exchange's fault, not theirs.",
  ),
  halt_window_seconds: number({ default: 60, min: 1, max: 3600 }, "Within this time."),
});

const gateway = Schema.Struct({
  request_timeout_seconds: number(
    { default: 10, min: 0.1, max: 10 },
    "Deadline of one request; more would outlast what a machine waits for an answer.",
  ),
  max_attempts: integer(
    { default: 4, min: 1, max: 20 },
    "Tries of a request that timed out, was throttled or lost its connection.",
  ),
  base_delay_ms: integer(
    { default: 250, min: 1, max: 60_000 },
    "Wait before the second try; doubles, with jitter.",
  ),
  max_delay_ms: integer({ default: 5000, min: 1, max: 600_000 }, "No wait between tries is longer."),
  poll_seconds: number({ default: 2, min: 0.1, max: 300 }, "How often a resting order is looked at."),
});

const limits = Schema.Struct({
  mailbox: integer({ default: 256, min: 1, max: 1_000_000 }, "Messages waiting for one actor."),
  pending_records: integer(
    { default: 1024, min: 1, max: 1_000_000 },
    "Journal records waiting to be written; beyond it, receiving waits.",
  ),
  group_records: integer({ default: 256, min: 1, max: 100_000 }, "Journal records in one commit."),
});

export const AppFile = Schema.Struct({
  log: Schema.Struct({ level: choice(levels, "info", "Least severe level that is logged.") }),
  http: Schema.Struct({
    host: host("127.0.0.1", "Address that metrics and health are served on."),
    port: optionalInteger(
      { min: 0, max: 65_535 },
      "Port for metrics and health; 0 takes any free one. None: no port is opened.",
    ),
  }),
  nats,
  breaker,
  gateway,
  limits,
}).annotate({
  ...ignoring("any"),
  title: "Purgatory: app.yaml",
  description: "How the program itself runs.",
});
export type AppFile = typeof AppFile.Type;
