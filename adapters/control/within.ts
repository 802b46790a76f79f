// A limit in real time for what depends on others.

/** It took too long, or there is no time left. */
export class LateError extends Error {
  override readonly name = "LateError";
}

/** @throws LateError when `work` takes longer than `ms` */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new LateError(`no answer within ${ms / 1_000} s`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
