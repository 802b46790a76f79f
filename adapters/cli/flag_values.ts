// What the value of each flag must be. A value that does not fit is named with its flag, what was expected and what to do.
import { closest, distance } from "fastest-levenshtein";

/** Collects everything that is wrong with a command line, so that it is said at once. */
export class FlagProblems {
  readonly #found: string[] = [];

  add(flag: string, value: string, expected: string, advice?: string): void {
    const ending = advice === undefined ? "" : `; ${advice}`;
    this.#found.push(`${flag} ${shown(value)}: expected ${expected}${ending}`);
  }

  /** Two flags that do not go together. */
  conflict(one: string, other: string, why: string, advice: string): void {
    this.#found.push(`${one} and ${other}: ${why}; ${advice}`);
  }

  /** A flag that has to be there. */
  missing(flag: string, expected: string): void {
    this.#found.push(`${flag} is missing: expected ${expected}`);
  }

  get all(): readonly string[] {
    return this.#found;
  }
}

/** A value as one safe word in a message. */
function shown(value: string): string {
  const short = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return /^[\w.:/@=+…-]+$/.test(short) ? short : JSON.stringify(short);
}

export function oneOf<T extends string>(
  flag: string,
  value: string,
  choices: readonly T[],
  problems: FlagProblems,
): T | undefined {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    const guess = closest(value.toLowerCase(), [...choices]);
    const isNear =
      value.length > 1 && distance(value.toLowerCase(), guess) <= Math.max(1, Math.floor(value.length / 3));
    problems.add(flag, value, `one of ${choices.join(", ")}`, isNear ? `did you mean ${guess}?` : undefined);
  }
  return found;
}

export function wholeNumber(
  flag: string,
  value: string,
  range: { readonly min: number; readonly max: number },
  problems: FlagProblems,
): number {
  const number = /^[0-9]{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= range.min && number <= range.max) return number;
  problems.add(flag, value, `a whole number from ${range.min} to ${range.max}`);
  return range.min;
}

/** Beyond this, `max` is what is meant. */
const FASTEST = 1_000_000;

export function speedOf(flag: string, value: string, problems: FlagProblems): number | "max" {
  if (value === "max") return value;
  const number = /^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(value) ? Number(value) : Number.NaN;
  if (number > 0 && number <= FASTEST) return number;
  const advice = value.toLowerCase() === "max" ? "did you mean max?" : undefined;
  problems.add(flag, value, `a number above 0 and up to ${FASTEST}, or max`, advice);
  return 1;
}

/** An address of a NATS server. A password in it would show in the list of processes. */
export function natsUrl(flag: string, value: string, problems: FlagProblems): string {
  const expected = "an address such as nats://127.0.0.1:4222";
  if (value.includes("@")) {
    problems.add(
      flag,
      "…@…",
      `${expected}, without user or password`,
      "give them with --nats-user and --nats-password-file, or in app.yaml under nats",
    );
    return value;
  }
  const withScheme = /^[a-z]+:\/\//i.test(value) ? value : `nats://${value}`;
  // The same addresses as in app.yaml.
  const isNats =
    /^(nats|tls|wss?):\/\/[A-Za-z0-9.:[\]-]+(\/[^@\s]*)?$/u.test(withScheme) && URL.canParse(withScheme);
  if (isNats && withScheme === value) return value;
  problems.add(flag, value, expected, isNats ? `did you mean ${withScheme}?` : undefined);
  return value;
}

/** Words of a person that others will read: on one line, and not for ever. */
export function plainText(flag: string, value: string, maxLength: number, problems: FlagProblems): string {
  const text = value.trim();
  if (
    text === "" ||
    text.length > maxLength ||
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text) ||
    !text.isWellFormed()
  )
    problems.add(flag, value, `a text of 1 to ${maxLength} characters on one line`);
  else if (/^--./.test(text)) problems.add(flag, value, "a text, not another flag");
  return text;
}

const SYMBOL = /^[A-Z0-9]{1,20}-[A-Z0-9]{2,10}$/;

/** What a position is sold through, `BONK-USD`. */
export function symbolOf(flag: string, value: string, problems: FlagProblems): string {
  if (SYMBOL.test(value)) return value;
  const upper = value.toUpperCase().replace(/[/_]/, "-");
  const guess = SYMBOL.test(upper) ? upper : `${upper}-USD`;
  const advice = SYMBOL.test(guess) ? `did you mean ${guess}?` : undefined;
  problems.add(flag, value, "the product that a position is sold through, such as BONK-USD", advice);
  return value;
}

/** A path as typed. One that looks like a flag is a forgotten value. */
export function pathOf(flag: string, value: string, problems: FlagProblems): string {
  if (value === "") problems.add(flag, value, "a path");
  else if (/^--./.test(value))
    problems.add(flag, value, "a path, not another flag", `write ./${value} if it is one`);
  return value;
}
