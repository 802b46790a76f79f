// Spans of time in a script, counted from the moment the account was opened.
export interface Window {
  readonly from_s: number;
  readonly for_s: number;
}

/** First and last instant of a window, in epoch milliseconds; `end` is the first one after it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The windows that `at` falls into, in the order of the script. */
export function windowsAt<W extends Window>(
  windows: readonly W[],
  openedAt: number,
  at: number,
): readonly W[] {
  return windows.filter((window) => {
    const { start, end } = spanOf(window, openedAt);
    return start <= at && at < end;
  });
}

export function spanOf({ from_s, for_s }: Window, openedAt: number): Span {
  const start = openedAt + Math.round(from_s * 1_000);
  return { start, end: start + Math.round(for_s * 1_000) };
}
