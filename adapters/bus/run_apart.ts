// Keeps a bug in one listener from silencing the others.

/** Runs `task`. What it throws comes to light as an uncaught exception, but only after the present work is done. */
export function runApart(task: () => void): void {
  try {
    task();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
