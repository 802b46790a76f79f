// A limit in real time for what depends on others.
import type { Service } from "@nats-io/services";

/** How long the server may take to hear that a service is gone. */
const SIGN_OFF_MS = 2_000;

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

/** Ends a service's subscriptions. Without a connection that waits for one, and there may never be one again. */
export async function signOff(service: Service): Promise<void> {
  await within(SIGN_OFF_MS, service.stop()).catch(() => {});
}
