// What waits while a message of its subject was put back, and what does not.
import { afterEach, expect, test, vi } from "vitest";
import { SubjectOrder } from "../../../adapters/bus/subject_order.ts";

afterEach(() => {
  vi.useRealTimers();
});
const order = (onFree: (items: readonly string[]) => void = () => {}) =>
  new SubjectOrder<string>((giveUp) => {
    const timer = setTimeout(giveUp, 60_000);
    return () => clearTimeout(timer);
  }, onFree);

test("later ones of a subject wait until the earlier one is back, and follow in their order", () => {
  const messages = order();
  messages.putBack("BONK", 1);
  expect([messages.parks("BONK", 3, "three"), messages.parks("BONK", 2, "two")]).toEqual([true, true]);
  expect(messages.isAway("BONK", 1)).toBe(true);
  expect(messages.cameBack("BONK", 1)).toEqual(["two", "three"]);
  expect(messages.isAway("BONK", 1)).toBe(false);
  expect(messages.parks("BONK", 4, "four")).toBe(false);
});

test("neither other subjects wait, nor earlier messages of the same", () => {
  const messages = order();
  messages.putBack("BONK", 5);
  expect([messages.parks("SEI", 6, "other"), messages.parks("BONK", 4, "earlier")]).toEqual([false, false]);
});

test("of two that were put back the later one waits for the earlier one", () => {
  const messages = order();
  for (const sequence of [1, 2]) messages.putBack("BONK", sequence);
  expect(messages.cameBack("BONK", 2)).toEqual([]);
  expect(messages.parks("BONK", 2, "two")).toBe(true);
  expect(messages.cameBack("BONK", 1)).toEqual(["two"]);
});

test("one that does not come again is waited for no longer than may be", () => {
  vi.useFakeTimers();
  const free: string[] = [];
  const messages = order((items) => free.push(...items));
  messages.putBack("BONK", 1);
  messages.parks("BONK", 2, "two");
  vi.advanceTimersByTime(60_000);
  expect(free, "its own delay is not counted").toEqual([]);
  messages.sent("BONK", 1);
  vi.advanceTimersByTime(59_999);
  expect(free).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(free).toEqual(["two"]);
});

test("in the end everything that waited is handed out", () => {
  vi.useFakeTimers();
  const messages = order();
  messages.putBack("BONK", 1);
  messages.sent("BONK", 1);
  messages.parks("BONK", 2, "two");
  expect(messages.clear()).toEqual(["two"]);
  expect(vi.getTimerCount()).toBe(0);
});
