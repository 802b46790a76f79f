// What an exit code of `purgatory` means. docs/cli.md holds the same table, and a test compares them.

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  state: 3,
  permission: 4,
  notYet: 5,
  refused: 6,
  forced: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One sentence for each, in the order of their numbers. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, "Done; a run ended because it was told to, or after the last of its cycles."],
  [
    EXIT.failed,
    "A run ended by a failure that no supervisor could mend; or there were problems in the configuration, a script or an import; or a recording went another way, or had lines that could not be read or nothing to replay, or could not be written whole; or a simulated world broke a promise; or nobody answered on the bus.",
  ],
  [EXIT.usage, "The command line was not understood; nothing was done."],
  [
    EXIT.state,
    "The state directory cannot be used: locked by another process, damaged, of a newer version, or missing.",
  ],
  [EXIT.permission, "A permission is missing; the message names the flag."],
  [EXIT.notYet, "Not available yet: live mode."],
  [
    EXIT.refused,
    "An operator's request was understood, and refused; nothing was changed. The code and the reason are on standard error.",
  ],
  [EXIT.forced, "A second SIGINT ended a run before it had stopped in order."],
];
