// A mailbox: bounded, in order, one at a time, and every message accounted for.
import { describe, expect, test } from "vitest";
import type { ExitReason } from "../../actors/child_spec.ts";
import { Mailbox, type MailboxOptions, MailboxOverflow, type Unfinished } from "../../actors/mailbox.ts";

class Desk {
  readonly handled: string[] = [];
  readonly dead: string[] = [];
  readonly ends: (Unfinished<string> | ExitReason)[] = [];

  open(options: Partial<MailboxOptions<string>> = {}): Mailbox<string> {
    return new Mailbox<string>({
      name: "BONK-USD",
      capacity: 2,
      overflow: "reject",
      handle: (message) => void this.handled.push(message),
      deadLetter: (message, why) => void this.dead.push(`${message}: ${why}`),
      handBack: (unfinished) => void this.ends.push(unfinished),
      link: { exit: (reason) => void this.ends.push(reason) },
      ...options,
    });
  }
}

/** Lets all queued microtasks run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A handler that is busy with each message until told otherwise. */
class Slow {
  readonly begun: string[] = [];
  readonly #gates: PromiseWithResolvers<void>[] = [];
  readonly handle = (message: string): Promise<void> => {
    this.begun.push(message);
    const gate = Promise.withResolvers<void>();
    this.#gates.push(gate);
    return gate.promise;
  };
  async finish(error?: unknown): Promise<void> {
    const gate = this.#gates.shift();
    if (error === undefined) gate?.resolve();
    else gate?.reject(error);
    await settle();
  }
}

describe("handling", () => {
  test("messages are handled in order of arrival, and never before send has returned", async () => {
    const desk = new Desk();
    const mailbox = desk.open();
    expect([mailbox.send("a"), mailbox.send("b")]).toEqual(["accepted", "accepted"]);
    expect(desk.handled).toEqual([]);
    expect(mailbox.depth).toBe(2);
    await settle();
    expect(desk.handled).toEqual(["a", "b"]);
    expect(mailbox.depth).toBe(0);
  });

  test("an asynchronous handler has one message at a time", async () => {
    const slow = new Slow();
    const mailbox = new Desk().open({ handle: slow.handle });
    mailbox.send("a");
    await settle();
    mailbox.send("b");
    await settle();
    expect(slow.begun).toEqual(["a"]);
    expect(mailbox.depth).toBe(1);
    await slow.finish();
    expect(slow.begun).toEqual(["a", "b"]);
    await slow.finish();
    mailbox.send("c");
    await settle();
    expect(slow.begun).toEqual(["a", "b", "c"]);
  });

  test("a message sent by the handler itself waits its turn", async () => {
    const desk = new Desk();
    const mailbox: Mailbox<string> = desk.open({
      handle: (message) => {
        if (message === "a") mailbox.send("from a");
        desk.handled.push(message);
      },
    });
    mailbox.send("a");
    mailbox.send("b");
    await settle();
    expect(desk.handled).toEqual(["a", "b", "from a"]);
  });

  test("the high-water mark is the most that ever waited", async () => {
    const mailbox = new Desk().open({ capacity: 5 });
    for (const message of ["a", "b", "c"]) mailbox.send(message);
    await settle();
    mailbox.send("d");
    expect([mailbox.depth, mailbox.highWater]).toEqual([1, 3]);
  });

  test.each([0, 1.5, Number.NaN])("a capacity of %s is refused", (capacity) => {
    expect(() => new Desk().open({ capacity })).toThrow(
      `mailbox "BONK-USD": capacity is ${capacity}; expected a whole number from 1`,
    );
  });
});

describe("overflow", () => {
  test("reject: the sender keeps the message, and may send it again when there is room", async () => {
    const desk = new Desk();
    const mailbox = desk.open();
    expect(["a", "b", "c"].map((message) => mailbox.send(message))).toEqual([
      "accepted",
      "accepted",
      "rejected",
    ]);
    await settle();
    expect(mailbox.send("c")).toBe("accepted");
    await settle();
    expect(desk.handled).toEqual(["a", "b", "c"]);
    expect(desk.dead).toEqual([]);
  });

  test("drop_oldest: the message that has waited longest makes room and becomes a dead letter", async () => {
    const desk = new Desk();
    const mailbox = desk.open({ overflow: "drop_oldest" });
    expect(["a", "b", "c"].map((message) => mailbox.send(message))).toEqual([
      "accepted",
      "accepted",
      "accepted",
    ]);
    await settle();
    expect(desk.handled).toEqual(["b", "c"]);
    expect(desk.dead).toEqual(["a: dropped"]);
    expect([mailbox.deadLetters, mailbox.highWater]).toEqual([1, 2]);
  });

  test("crash: the mailbox ends and hands all back, the one too many included", async () => {
    const desk = new Desk();
    const mailbox = desk.open({ overflow: "crash" });
    expect(["a", "b", "c"].map((message) => mailbox.send(message))).toEqual([
      "accepted",
      "accepted",
      "crashed",
    ]);
    const error = new MailboxOverflow("BONK-USD", 2);
    expect(error.message).toBe(
      'mailbox "BONK-USD" is full: 2 messages wait; slow the sender down or raise its capacity',
    );
    expect(desk.ends).toEqual([{ error, inHand: null, unprocessed: ["a", "b", "c"] }, { crash: error }]);
    await settle();
    expect(desk.handled).toEqual([]);
  });

  test.each([undefined, new Error("too late to matter")])(
    "crash while a message is in hand: it is handed back too, and how it ends (%s) says nothing more",
    async (outcome) => {
      const desk = new Desk();
      const slow = new Slow();
      const mailbox = desk.open({ overflow: "crash", capacity: 1, handle: slow.handle });
      mailbox.send("a");
      await settle();
      mailbox.send("b");
      expect(mailbox.send("c")).toBe("crashed");
      expect(desk.ends[0]).toMatchObject({ inHand: { message: "a" }, unprocessed: ["b", "c"] });
      const { finishing } = mailbox.stop();
      await slow.finish(outcome);
      await finishing;
      expect(desk.ends).toHaveLength(2);
    },
  );
});

describe("a handler that fails", () => {
  test("by throwing ends the mailbox: first the messages are handed back, then the link is told", async () => {
    const desk = new Desk();
    const error = new Error("poison");
    const mailbox = desk.open({
      capacity: 3,
      handle: (message) => {
        if (message === "b") throw error;
        desk.handled.push(message);
      },
    });
    for (const message of ["a", "b", "c"]) mailbox.send(message);
    await settle();
    expect(desk.handled).toEqual(["a"]);
    expect(desk.ends).toEqual([{ error, inHand: { message: "b" }, unprocessed: ["c"] }, { crash: error }]);
    expect(mailbox.send("d")).toBe("dead_letter");
  });

  test("by rejecting does the same, and what is no Error is wrapped in one", async () => {
    const desk = new Desk();
    const mailbox = desk.open({ handle: () => Promise.reject("poison") });
    mailbox.send("a");
    mailbox.send("b");
    await settle();
    const error = new Error("poison");
    expect(desk.ends).toEqual([{ error, inHand: { message: "a" }, unprocessed: ["b"] }, { crash: error }]);
    expect(mailbox.depth).toBe(0);
  });
});

describe("a stopped mailbox", () => {
  test("returns what was waiting and handles nothing more", async () => {
    const desk = new Desk();
    const mailbox = desk.open();
    mailbox.send("a");
    mailbox.send("b");
    expect(mailbox.stop()).toEqual({ unprocessed: ["a", "b"], finishing: null });
    await settle();
    expect(desk.handled).toEqual([]);
    expect(desk.ends).toEqual([]);
  });

  test("makes a dead letter of whatever is sent to it, and counts them", () => {
    const desk = new Desk();
    const mailbox = desk.open();
    mailbox.stop();
    expect([mailbox.send("a"), mailbox.send("b")]).toEqual(["dead_letter", "dead_letter"]);
    expect(desk.dead).toEqual(["a: stopped", "b: stopped"]);
    expect(mailbox.deadLetters).toBe(2);
  });

  test("lets the message in hand finish, and tells when", async () => {
    const desk = new Desk();
    const slow = new Slow();
    const mailbox = desk.open({ handle: slow.handle });
    mailbox.send("a");
    await settle();
    mailbox.send("b");
    const first = mailbox.stop();
    const second = mailbox.stop();
    expect([first.unprocessed, second.unprocessed]).toEqual([["b"], []]);
    await slow.finish();
    await Promise.all([first.finishing, second.finishing]);
    expect(slow.begun).toEqual(["a"]);
    expect(desk.ends).toEqual([]);
  });

  test("still hands back a message in hand that fails", async () => {
    const desk = new Desk();
    const slow = new Slow();
    const mailbox = desk.open({ handle: slow.handle });
    mailbox.send("a");
    await settle();
    const { finishing } = mailbox.stop();
    const error = new Error("poison");
    await slow.finish(error);
    await finishing;
    expect(desk.ends).toEqual([{ error, inHand: { message: "a" }, unprocessed: [] }, { crash: error }]);
  });
});
