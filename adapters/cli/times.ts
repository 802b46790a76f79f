// How times look to a person who waits for them.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `42s`, `42min`, `1h 05min`, `2d 03h`: the two largest units, rounded up, so that nothing is due before it is. */
export function remaining(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / SECOND_MS);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.ceil(ms / MINUTE_MS);
  if (minutes < 60) return `${minutes}min`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}min`;
  const hours = Math.ceil(ms / HOUR_MS);
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

/** `14:05Z` of the same day, else with its date: `11-12 14:05Z`. UTC, as in the log. */
export function clockTime(at: number, now: number): string {
  const text = new Date(at).toISOString();
  const isSameDay = Math.floor(at / DAY_MS) === Math.floor(now / DAY_MS);
  return `${isSameDay ? "" : `${text.slice(5, 10)} `}${text.slice(11, 16)}Z`;
}

function two(count: number): string {
  return String(count).padStart(2, "0");
}
