// A limit in real time for what depends on others.

/** It took too long, or there is no time left. */
export const LATE = Symbol("late");

/** What `work` comes to, or `LATE` after `ms`. Rejects as `work` does. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | typeof LATE> {
  const { promise, resolve } = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(() => resolve(LATE), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
