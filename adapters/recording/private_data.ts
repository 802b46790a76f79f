// What a recording must not give away, since recordings are passed around: secrets, and what names the account. The ids of
// orders stay, for they say which answer is whose.
import { REDACTED, redactText } from "../telemetry/mod.ts";

/** A line of JSON without secrets and account ids; the same text where it has none.
 *
 * An exchange's body is JSON within JSON, so that its quotes carry backslashes, and may be cut off in the middle.
 */
export function withoutPrivateData(line: string): string {
  const named = ACCOUNT_WORD.test(line)
    ? line.replace(ACCOUNT_MEMBER, hide).replace(ACCOUNT_ASSIGNMENT, `$1${REDACTED}`)
    : line;
  return SECRET_WORD.test(named) ? redactText(named) : named;
}

/** Keys of what an exchange calls an account, at the end of a longer one or alone. */
const ACCOUNT_KEYS =
  "(?:account|acct|portfolio|user|customer|client|profile|owner|member|wallet)[_-]?(?:id|uuid|number|no)";
const ACCOUNT_WORD = new RegExp(ACCOUNT_KEYS, "i");
/** A value ends at a quote with as many backslashes as the one that opened it. */
const ACCOUNT_MEMBER = new RegExp(
  `(?<head>(?<key>\\\\{0,7}")[\\w.-]{0,40}${ACCOUNT_KEYS}\\k<key>\\s{0,8}:\\s{0,8})` +
    `(?:(?<open>\\\\{0,7}")(?:(?!(?<!\\\\)\\k<open>)[\\s\\S])*(?<close>\\k<open>)|(?<bare>[\\w.+-]+))`,
  "gi",
);
/** `account_id=…`, as in a query, or in an exchange's own words. */
const ACCOUNT_ASSIGNMENT = new RegExp(`\\b([\\w.-]{0,40}${ACCOUNT_KEYS}\\s?[=:]\\s?)[\\w-]+`, "gi");

/** What `redactText` looks for contains one of these; it parses a line twice, and most lines have nothing to hide. */
const SECRET_WORD =
  /author|key|access|secret|passw|passphrase|token|jwt|cred|cookie|bearer|eyJ|-----BEGIN|:\/\/|S[ACNOUX][A-Z2-7]{56}/i;

function hide(...found: readonly unknown[]): string {
  const groups = found.at(-1);
  const group = (name: string): string => {
    const value: unknown = typeof groups === "object" && groups !== null ? Reflect.get(groups, name) : "";
    return typeof value === "string" ? value : "";
  };
  // `null` is nobody's account.
  if (group("bare") === "null") return `${group("head")}null`;
  const quote = group("open") === "" ? group("key") : group("open");
  return `${group("head")}${quote}${REDACTED}${quote}`;
}
