// What the gateway last said of the venue, for as long as that can still be true: a gateway that is gone takes nothing back.
import type { VenueState } from "../machines/mod.ts";

/** A breaker that is to try again says so itself, well within this time after `until`. */
const OVERDUE_MS = 120_000;
/** How long an open breaker is believed that names no end. */
const ENDLESS_MS = 15 * 60_000;
/** No breaker rests longer, by any configuration. */
const LONGEST_MS = 7 * 86_400_000;

/** Times are epoch milliseconds. */
export class HeardVenue {
  #last: { readonly venue: VenueState; readonly since: number } | null = null;

  /** One that is older than what was heard before came late, and changes nothing. */
  hear(venue: VenueState, now: number): void {
    // A time to come would outrank whatever is said in the meantime.
    const since = Math.min(Date.parse(venue.at), now);
    if (this.#last === null || since >= this.#last.since) this.#last = { venue, since };
  }

  /** The open breaker, if there is one now. */
  open(now: number): VenueState | null {
    if (this.#last?.venue.state !== "open") return null;
    const { venue, since } = this.#last;
    const end = venue.until === null ? since + ENDLESS_MS : Date.parse(venue.until) + OVERDUE_MS;
    return now <= Math.min(end, since + LONGEST_MS + OVERDUE_MS) ? venue : null;
  }
}
