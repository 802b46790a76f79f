// The flags that say how to reach a NATS server and how to log in there.
import { type FlagProblems, natsUrl, plainText } from "./flag_values.ts";
import type { NatsFlags } from "./command.ts";

/** Each flag as commander knows it, with its help. */
export const NATS_OPTIONS: readonly (readonly [flags: string, text: string])[] = [
  ["--nats-user <NAME>", "log in as this user (default: $NATS_USER, or nats.user of app.yaml)"],
  ["--nats-password-file <FILE>", "with the password in this file (default: $NATS_PASSWORD)"],
  ["--nats-token-file <FILE>", "log in with the token in this file (default: $NATS_TOKEN)"],
  ["--nats-nkey <FILE>", "log in with the nkey seed in this file (default: $NATS_NKEY)"],
  ["--nats-creds <FILE>", "log in with this credentials file, a JWT and its seed (default: $NATS_CREDS)"],
  ["--nats-tls-ca <FILE>", "trust the certificates that this authority signed (default: $NATS_CA)"],
  ["--nats-tls-cert <FILE>", "show this certificate (default: $NATS_CERT)"],
  ["--nats-tls-key <FILE>", "its private key (default: $NATS_KEY)"],
  ["--nats-inbox-prefix <PREFIX>", "read replies under this prefix (default: _INBOX_ and the user's name)"],
];

/** @param path makes a file's name absolute */
export function natsFlags(
  given: Readonly<Record<string, string | undefined>>,
  {
    problems,
    path,
    maySpawn,
  }: {
    readonly problems: FlagProblems;
    readonly path: (flag: string, value: string) => string;
    /** Whether `--nats spawn` makes sense. */
    readonly maySpawn: boolean;
  },
): NatsFlags {
  const file = (flag: string, value: string | undefined): string | null =>
    value === undefined ? null : path(flag, value);
  noteConflicts(given, problems);
  return {
    url: given["nats"] === undefined ? null : urlOf(given["nats"], maySpawn, problems),
    user: given["natsUser"] === undefined ? null : plainText("--nats-user", given["natsUser"], 128, problems),
    passwordFile: file("--nats-password-file", given["natsPasswordFile"]),
    tokenFile: file("--nats-token-file", given["natsTokenFile"]),
    nkeyFile: file("--nats-nkey", given["natsNkey"]),
    credsFile: file("--nats-creds", given["natsCreds"]),
    caFile: file("--nats-tls-ca", given["natsTlsCa"]),
    certFile: file("--nats-tls-cert", given["natsTlsCert"]),
    keyFile: file("--nats-tls-key", given["natsTlsKey"]),
    inboxPrefix: inboxPrefix(given["natsInboxPrefix"], problems),
  };
}

/** Flags that say to log in, by the way they go; flags of two ways do not go together. */
const WAYS: readonly (readonly (readonly [key: string, flag: string])[])[] = [
  [
    ["natsUser", "--nats-user"],
    ["natsPasswordFile", "--nats-password-file"],
  ],
  [["natsTokenFile", "--nats-token-file"]],
  [["natsNkey", "--nats-nkey"]],
  [["natsCreds", "--nats-creds"]],
];
const TLS: readonly (readonly [key: string, flag: string])[] = [
  ["natsTlsCa", "--nats-tls-ca"],
  ["natsTlsCert", "--nats-tls-cert"],
  ["natsTlsKey", "--nats-tls-key"],
];

function noteConflicts(given: Readonly<Record<string, string | undefined>>, problems: FlagProblems): void {
  const firstOf = (flags: (typeof WAYS)[number]) => flags.find(([key]) => given[key] !== undefined)?.[1];
  const ways = WAYS.map(firstOf).filter((flag) => flag !== undefined);
  const [one, other] = ways;
  if (one !== undefined && other !== undefined)
    problems.conflict(one, other, "are two ways to log in", "keep one of them");
  const needless = given["nats"] === "spawn" ? (one ?? firstOf(TLS)) : undefined;
  if (needless !== undefined)
    problems.conflict("--nats spawn", needless, "a server of our own has its own token", "leave one out");
}

function urlOf(value: string, maySpawn: boolean, problems: FlagProblems): string {
  if (value !== "spawn") return natsUrl("--nats", value, problems);
  if (!maySpawn)
    problems.add(
      "--nats",
      value,
      "an address: only run starts a server",
      "leave it out: the server of a run in the same state directory is found by itself",
    );
  return value;
}

function inboxPrefix(value: string | undefined, problems: FlagProblems): string | null {
  if (value === undefined) return null;
  if (!/^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/.test(value))
    problems.add("--nats-inbox-prefix", value, "a subject such as _INBOX_observer, without wildcards");
  return value;
}
