// The test kit: failure sequences against the real program on virtual time, for the tests of others. The matchers for Vitest
// are in `vitest.ts`, so that this can be used without it.
export { type Duration, inWords, milliseconds } from "./duration.ts";
export { ScenarioError } from "./errors.ts";
export type { JournalSource } from "./journal_file.ts";
export { play, type PlayOptions } from "./play.ts";
export { playJournal, type PlayJournalOptions } from "./play_journal.ts";
export { Run, type Stay, writeJournal } from "./run.ts";
export {
  crash,
  filled,
  operator,
  partlyFilled,
  rejected,
  type RejectedOptions,
  type Step,
  timedOut,
  type TimedOutOptions,
  type Times,
  unfilled,
  until,
  venueDown,
  type VenueDownOptions,
  wait,
} from "./steps.ts";
