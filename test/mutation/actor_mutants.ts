// Breaks in who does it: journal before consequences, crashes, who may be sold, the venue breaker, the gateway.
import { inFile, type Mutant } from "./mutant.ts";

const PIPELINE = [
  "test/actors/commit_pipeline_test.ts",
  "test/actors/commit_failure_test.ts",
  "test/actors/purge_supervisor_test.ts",
];
const SUPERVISOR = ["test/actors/purge_supervisor_test.ts", "test/actors/symbol_crash_test.ts"];
const CYCLE = ["test/actors/cycle_test.ts", "test/actors/cycle_start_now_test.ts"];
const ELIGIBILITY = ["test/actors/eligibility_test.ts"];
const BREAKER = ["test/actors/breaker_test.ts"];
const PLACE = ["test/actors/gateway_place_test.ts", "test/actors/gateway_redelivery_test.ts"];
const DOUBT = ["test/actors/gateway_commands_test.ts", "test/actors/gateway_redelivery_test.ts"];

const pipeline = [
  ...inFile("actors/commit_pipeline.ts", PIPELINE, [
    {
      id: "rest-of-the-queue-lost",
      suffers: "what came while a group was being written is never written",
      find: "queue.splice(0, group.length);",
      replace: "queue.length = 0;",
    },
    {
      id: "told-before-sent",
      suffers: "orders wait for the log lines of their whole group",
      find: "      for (const { pending, record } of steps) pending.onDurable(record);\n",
      replace: "",
      also: [
        {
          file: "actors/commit_pipeline.ts",
          find: "pending.afterwards?.(record);",
          replace: "(pending.onDurable(record), pending.afterwards?.(record));",
        },
      ],
    },
    {
      id: "one-group-for-each-step",
      suffers: "every step waits for a write of its own, and a busy account falls behind",
      find: "queue.slice(0, groupRecords)",
      replace: "queue.slice(0, Math.min(1, groupRecords))",
    },
    {
      id: "never-full",
      suffers: "a slow disk fills the memory instead of holding back the bus",
      find: "get isFull() {\n      return queue.length >= maxPending;",
      replace: "get isFull() {\n      return queue.length < 0;",
    },
    {
      id: "room-is-not-told",
      suffers: "once the journal was behind, nothing is taken from the bus any more",
      find: "if (wasFull && queue.length < maxPending)",
      replace: "if (wasFull && queue.length > maxPending)",
    },
    {
      id: "failed-write-unheard",
      suffers: "a full disk stops everything in silence",
      find: "    onFailure(error instanceof Error ? error : new Error(String(error)));\n",
      replace: "    if (error === onFailure) return;\n",
    },
    {
      id: "written-after-a-failure",
      suffers: "a step is written that nobody remembers, after one that was lost",
      find: `if (state === "failed") return;`,
      replace: "",
    },
  ]),
  ...inFile("actors/symbol.ts", SUPERVISOR, [
    {
      id: "sent-before-durable",
      suffers: "a crash forgets an order that is already at the exchange",
      find: "this.#options.onSubmit();\n",
      replace: "this.#options.onSubmit();\n    this.#send(commands);\n",
    },
    {
      id: "acknowledged-before-commit",
      suffers: "a crash loses a fill that the bus will not send again",
      find: "this.#options.onSubmit();\n",
      replace: "this.#options.onSubmit();\n    envelope.ack(null);\n",
    },
    {
      id: "never-acknowledged",
      suffers: "the bus sends every result again, until it gives up",
      find: "          envelope.ack(record);\n",
      replace: "",
    },
    {
      id: "redelivery-acknowledged-too-soon",
      suffers: "a crash loses a result whose second copy was acknowledged before the first was on disk",
      find: "else this.#afterLast.push(() => envelope.ack(null));",
      replace: "else envelope.ack(null);",
    },
    {
      id: "pending-not-sent-after-a-crash",
      suffers: "a symbol waits for the answer to a question that nobody asked",
      find: "if (unheard === 0) this.sendPending();",
      replace: "if (unheard < 0) this.sendPending();",
    },
    {
      id: "asked-again-before-it-listens",
      suffers: "an order that was refused during a crash is placed again, and rests unwatched",
      find: "if (unheard === 0) this.sendPending();",
      replace: "this.sendPending();",
    },
    {
      id: "deadline-lost-in-a-crash",
      suffers: "a symbol that rested when the process ended is never tried again",
      find: "    this.#await(this.#run.context);\n",
      replace: "",
    },
    {
      id: "timer-of-the-dead",
      suffers: "the timers of an actor that has crashed go on beside its successor's",
      find: "    this.#isStopped = true;\n    this.#deadline?.cancel();\n",
      replace: "    this.#isStopped = true;\n",
    },
    {
      id: "deadline-not-set",
      suffers: "nothing that has to happen in time happens: an order rests until the next start",
      find: "          this.#await(snapshot.context);\n",
      replace: "",
    },
    {
      id: "the-dead-go-on",
      suffers: "an actor that has crashed and its successor both send orders",
      find: "          if (this.#isStopped) return;\n",
      replace: "",
    },
    {
      id: "nothing-new-unanswered",
      suffers: "the bus repeats each duplicate until it gives up",
      find: "if (this.#afterLast === null) envelope.ack(null);",
      replace: "if (this.#afterLast === null) return;",
    },
  ]),
];

const supervisors = [
  ...inFile("actors/purge_supervisor.ts", SUPERVISOR, [
    {
      id: "restarted-from-nothing",
      suffers: "a crash forgets a symbol's failures and its order at the exchange",
      find: "last: await this.#lastRecord(symbol, post),",
      replace: "last: post.lastSeq === -1 ? await this.#lastRecord(symbol, post) : null,",
    },
    {
      id: "restarted-before-its-last-record",
      suffers: "an actor that crashed goes on from a state that is no longer the last",
      find: "if (post.pending > 0) await",
      replace: "if (post.pending < 0) await",
    },
    {
      id: "poisoned-not-suspended",
      suffers: "a symbol whose events crash it goes on as if nothing had been lost",
      find: "post.held.unshift({ event, ack",
      replace: "[post.held].slice(1).flat().unshift({ event, ack",
    },
    {
      id: "dead-letter-not-written",
      suffers: "an event that was set aside is nowhere to be found",
      find: "crash.envelope.dead(",
      replace: "void String(",
    },
    {
      id: "one-crash-too-many",
      suffers: "a poisoned event crashes its symbol once more than it may",
      find: "max_restarts: MAX_CRASHES - 1",
      replace: "max_restarts: MAX_CRASHES",
    },
    {
      id: "innocents-go-with-the-poison",
      suffers: "fills that came after a poisoned event are lost with it",
      find: "post.held = post.held.filter((envelope) => envelope !== crash.envelope);",
      replace: "post.held = [];",
    },
    {
      id: "order-of-arrival-lost",
      suffers: "after a crash a symbol hears the newest news first",
      find: "post.held = [...first, ...unprocessed, ...post.held];",
      replace: "post.held = [...post.held, ...unprocessed, ...first];",
    },
    {
      id: "strangers-results-start-something",
      suffers: "results of an old ledger fill this one with symbols that nobody holds",
      find: `type.startsWith("order.") || type.startsWith("market.")`,
      replace: `type.startsWith("orders.") || type.startsWith("market.")`,
    },
    {
      id: "full-mailbox-drops",
      suffers: "a fill that finds no room is lost",
      find: `if (mailbox.send(envelope) === "rejected") envelope.nak(LATER_MS);`,
      replace: "mailbox.send(envelope);",
    },
    {
      id: "silent-when-the-bus-is-back",
      suffers: "what could not be sent during an outage waits for its deadline",
      find: "if (connected) for",
      replace: "if (connected && this.#posts.size === 0) for",
    },
    {
      id: "told-and-forgotten",
      suffers: "a deadline that finds no room is lost, and its symbol waits for ever",
      find: "nak: (delayMs) => clock.schedule(clock.now() + delayMs, again),",
      replace: "nak: () => {},",
    },
    {
      id: "waits-and-is-lost",
      suffers: "what waits for a slow disk is thrown away when the disk is ready",
      find: ".then(() => actor.receive(envelope))",
      replace: ".then(() => {})",
    },
    {
      id: "record-of-the-past",
      suffers: "a symbol that crashes goes back to where it stood when the process began",
      find: "    post.lastSeq = record.seq;\n",
      replace: "    post.lastSeq ??= record.seq;\n",
    },
  ]),
  ...inFile(
    "actors/restart_intensity.ts",
    ["test/actors/supervisor_restart_test.ts"],
    [
      {
        id: "intensity-off-by-one",
        suffers: "the last restart that is permitted takes the tree down instead",
        find: "this.#times.length <= this.#maxRestarts",
        replace: "this.#times.length < this.#maxRestarts",
      },
      {
        id: "restarts-never-forgotten",
        suffers: "a crash a week ends the process after a month",
        find: "at >= now - this.#periodMs",
        replace: "at <= now + this.#periodMs",
      },
    ],
  ),
];

const cycle = [
  ...inFile("actors/start_rules.ts", CYCLE, [
    {
      id: "limit-off-by-one",
      suffers: "a cycle starts one attempt more than max_liquidations_per_cycle",
      find: "started >= maxPerCycle",
      replace: "started > maxPerCycle",
    },
    {
      id: "dry-run-sells",
      suffers: "a dry run sells",
      find: "if (isDryRun) return",
      replace: "if (isDryRun && started < 0) return",
    },
    {
      id: "open-venue-ignored",
      suffers: "every cycle of an outage starts attempts that can only be interrupted",
      find: "if (openVenue !== null) {",
      replace: "if (openVenue !== null && started < 0) {",
    },
    {
      id: "ban-ignored",
      suffers: "a symbol that universe.yaml bans is sold",
      find: "if (ban !== undefined) return",
      replace: `if (ban === "") return`,
    },
    {
      id: "rest-not-explained",
      suffers: "the operator is told that a resting symbol is busy, and not until when",
      find: `state === "backoff.waiting" && view !== null`,
      replace: `state === "backoff" && view !== null`,
    },
  ]),
  ...inFile("actors/cycle.ts", CYCLE, [
    {
      id: "limit-ignored",
      suffers: "max_liquidations_per_cycle is ignored, and everything goes at once",
      find: "        this.#started += 1;\n        started.push(symbol);",
      replace: "        started.push(symbol);",
    },
    {
      id: "limit-for-ever",
      suffers: "after the first few attempts nothing is started any more",
      find: "    this.#started = 0;\n    const nothing",
      replace: "    const nothing",
    },
    {
      id: "held-again-unnoticed",
      suffers: "a symbol that was sold once is never sold again",
      find: "    this.#noteHeldAgain(assessment.held);\n",
      replace: "",
    },
  ]),
  ...inFile("actors/eligibility.ts", ELIGIBILITY, [
    {
      id: "excluded-not-excluded",
      suffers: "what never_trade names stays in the account",
      find: "const excluded = strangers.filter(({ symbol }) => universe.excluded.has(symbol));",
      replace:
        "const excluded = strangers.filter(({ symbol }) => universe.excluded.has(symbol) && mayStay(symbol));",
    },
    {
      id: "mass-purge-guard-off",
      suffers: "a universe file that was emptied by mistake sells the account",
      find: "held.length > 1 && turned.length / held.length > rules.maxCandidateShare",
      replace: "held.length > 1 && turned.length / held.length > rules.maxCandidateShare + 1",
    },
    {
      id: "grace-off-by-one",
      suffers: "a position goes one cycle before its grace is over",
      find: "(seen.get(symbol) ?? 0) > rules.graceCycles)",
      replace: "(seen.get(symbol) ?? 0) >= rules.graceCycles)",
    },
    {
      id: "one-reading-serves-the-grace",
      suffers: "one wrong reading of the account, looked at twice, sells a position",
      find: "const more = isNewReading ? 1 : 0;",
      replace: "const more = isNewReading ? 1 : 1;",
    },
    {
      id: "protected-currency-sold",
      suffers: "the cash of the account is sold",
      find: " || universe.protectedCurrencies.has(currency)",
      replace: "",
    },
    {
      id: "stale-universe-used",
      suffers: "positions are sold by a list that nobody has looked after",
      find: "  return stale;",
      replace: `  return stale === "" ? stale : null;`,
    },
    {
      id: "empty-universe-used",
      suffers: "an empty list of what may stay sells the only position of an account",
      find: "if (eligible.size === 0)",
      replace: "if (eligible.size < 0)",
    },
    {
      id: "minimum-value-flipped",
      suffers: "crumbs are sold, and positions are kept",
      find: "compare(position.valueUsd, rules.minLiquidationValueUsd) >= 0",
      replace: "compare(position.valueUsd, rules.minLiquidationValueUsd) <= 0",
    },
    {
      id: "eligible-in-another-currency-sold",
      suffers: "BTC is eligible as BTC-USD, and sold as BTC-USDC",
      find: "return (symbol) => currencies.has(baseOf(symbol));",
      replace: "return (symbol) => currencies.size > 0 && eligible.has(symbol);",
    },
  ]),
];

const breaker = inFile("actors/breaker.ts", BREAKER, [
  {
    id: "breaker-never-opens",
    suffers: "an exchange that is down is asked by every symbol, and answers each with a failure",
    find: "return open(event.at, { cause: event.cause, reason: event.reason, haltCode }, state, settings);",
    replace:
      "return haltCode === null ? state : open(event.at, { cause: event.cause, reason: event.reason, haltCode }, state, settings);",
  },
  {
    id: "breaker-never-closes",
    suffers: "one outage ends purging for good",
    find: "return isProbe(state, event.order) ? closedBreaker(event.at) : state;",
    replace: "return state;",
  },
  {
    id: "open-lets-orders-through",
    suffers: "orders go to an exchange that is down",
    find: `return state.state === "closed";\n}`,
    replace: `return state.state === "closed" || state.state === "open";\n}`,
  },
  {
    id: "every-order-is-the-probe",
    suffers: "an exchange that has just come back is hit by all symbols at once",
    find: "return state.probe === null || state.probe === order;",
    replace: "return state.probe === null || order !== null;",
  },
  {
    id: "cooldown-does-not-grow",
    suffers: "a long outage is probed every minute",
    find: "before.fault.cooldownMs * 2",
    replace: "before.fault.cooldownMs * 1",
  },
  {
    id: "account-yields-to-venue",
    suffers: "a bad key is tried again after a minute, as if the exchange had only hiccuped",
    find: `cause === "account" ? settings.accountCooldownMs : venueCooldownMs(before, settings)`,
    replace: `cause === "account" ? venueCooldownMs(before, settings) : venueCooldownMs(before, settings)`,
  },
  {
    id: "halts-off-by-one",
    suffers: "one symbol more than configured has to fail before a halt is taken for the venue's",
    find: "symbols < settings.symbolsForHalt",
    replace: "symbols <= settings.symbolsForHalt",
  },
  {
    id: "stranger-frees-the-probe",
    suffers: "an order that was held back lets a second one through beside the probe",
    find: "state.probe === event.order ? { ...state, probe: null } : state",
    replace: "state.probe !== null ? { ...state, probe: null } : state",
  },
  {
    id: "one-halt-hides-another",
    suffers: "a halt is not noticed because its first symbol was refused for something else too",
    find: "!(known.code === code && known.symbol === symbol)",
    replace: "!(known.symbol === symbol)",
  },
  {
    id: "halt-window-off-by-one",
    suffers: "halts exactly a window apart open the breaker",
    find: "at - known.at < settings.haltWindowMs",
    replace: "at - known.at <= settings.haltWindowMs",
  },
  {
    id: "halts-never-forgotten",
    suffers: "halts of different days add up to an outage",
    find: "at - known.at < settings.haltWindowMs",
    replace: "known.at - at < settings.haltWindowMs",
  },
]);

const gateway = [
  ...inFile("actors/gateway_place.ts", PLACE, [
    {
      id: "lost-answer-taken-for-refused",
      suffers: "an order that was taken, and whose answer was lost, rests beside its successor",
      find: `return mayExist ? { kind: "unclear", message: rejection.message } : { kind: "refused", rejection };`,
      replace: `return mayExist ? { kind: "refused", rejection } : { kind: "refused", rejection };`,
    },
    {
      id: "sent-again-without-looking",
      suffers: "an order that may have arrived is sent again",
      find: `mayExist: arrived === "unknown",`,
      replace: `mayExist: arrived === "unknown" && retry_after_ms !== null,`,
    },
    {
      id: "another-body-under-one-id",
      suffers: "a changed order is mistaken for the first, at whatever price that had",
      find: "return BODY.some((field) => known[field] !== order[field]);",
      replace: "return BODY.some((field) => known[field] === undefined);",
    },
    {
      id: "handed-out-placed-again",
      suffers: "an order that an earlier gateway was refused comes to life again",
      find: `if (found === null && past === "handed_out") return`,
      replace: `if (found === null && past === "handed_out" && known !== null) return`,
    },
    {
      id: "cancelled-before-it-came",
      suffers: "an order that was cancelled before it arrived is placed, and nobody cancels it again",
      find: "if (found === null && isWithdrawn) return",
      replace: "if (found === null && isWithdrawn && known !== null) return",
    },
    {
      id: "refused-comes-to-life",
      suffers: "a second delivery of a refused order places it",
      find: "if (known !== null) return Effect.succeed(rejected(desk, order, known));",
      replace: "",
    },
    {
      id: "breaker-not-asked",
      suffers: "orders go to an exchange that is known to be down",
      find: "admits(breaker.state, order.client_order_id) ? null : heldBack(breaker.state)",
      replace: "admits(breaker.state, order.client_order_id) ? null : null",
      tests: ["test/actors/gateway_breaker_test.ts"],
    },
  ]),
  ...inFile("actors/gateway_doubt.ts", DOUBT, [
    {
      id: "wait-ends-with-the-clock",
      suffers: "a refusal counts while an earlier request may arrive, since somebody set the clock",
      find: "while (left() > 0) yield*",
      replace: "if (left() > 0) yield*",
    },
    {
      id: "denial-without-doubt",
      suffers: "an order that is on its way is given up, since somebody set the clock",
      find: "clock.steady() < sentAt + ON_ITS_WAY_MS",
      replace: "clock.steady() < sentAt",
    },
    {
      id: "doubt-by-the-wall-clock",
      suffers: "whether an order may still arrive depends on who sets the clock",
      find: "clock.steady() < sentAt + ON_ITS_WAY_MS",
      replace: "clock.now() < sentAt + ON_ITS_WAY_MS",
    },
  ]),
  ...inFile("actors/gateway_requests.ts", PLACE, [
    {
      id: "one-retry-too-many",
      suffers: "the exchange is asked once more than max_attempts",
      find: "allowance.failures >= settings.maxAttempts",
      replace: "allowance.failures > settings.maxAttempts",
    },
    {
      id: "retry-after-ignored",
      suffers: "a rate limit is answered with more requests, until the key is blocked",
      find: "* jitter, error.retry_after_ms ?? 0)",
      replace: "* jitter, 0)",
    },
    {
      id: "retries-without-growing-waits",
      suffers: "an exchange in trouble is asked at full speed",
      find: "baseDelayMs * 2 ** (failures - 1)",
      replace: "baseDelayMs * 1 ** (failures - 1)",
    },
  ]),
  ...inFile(
    "actors/gateway_lanes.ts",
    ["test/actors/gateway_delivery_test.ts", ...PLACE],
    [
      {
        id: "unsent-answer-acknowledged",
        suffers: "the answer to an order is lost when the bus is away for a moment",
        find: "    delivery.nak(options.againMs(delivery.deliveries));\n",
        replace: "    delivery.ack();\n",
      },
      {
        id: "overtaken-in-the-lane",
        suffers: "a cancellation overtakes its order",
        find: "if (Exit.isFailure(exit)) returnAll(lane, options.againMs(next.deliveries));",
        replace: "if (lane.length < 0) returnAll(lane, options.againMs(next.deliveries));",
      },
    ],
  ),
  ...inFile(
    "actors/gateway_watch.ts",
    ["test/actors/gateway_watch_test.ts"],
    [
      {
        id: "old-report-told-as-news",
        suffers: "a poll that comes late takes back what was told",
        find: "  if (update.revision < told.revision) return false;\n",
        replace: "",
      },
      {
        id: "final-order-watched-on",
        suffers: "each order that was ever placed is asked for until the next start",
        find: `if (update.status !== "open") {`,
        replace: `if (update.status === "expired") {`,
      },
    ],
  ),
];

export const ACTOR_MUTANTS: readonly Mutant[] = [
  ...pipeline,
  ...supervisors,
  ...cycle,
  ...breaker,
  ...gateway,
];
