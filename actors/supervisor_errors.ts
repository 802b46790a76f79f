// What a supervisor answers when it cannot do what it was asked. Values, not thrown; each message says what to do.
import { TaggedError } from "effect/Data";

interface Named {
  readonly supervisor: string;
  readonly id: string;
  readonly message: string;
}

/** A spec breaks a rule. `id` is the child's, or empty when the supervisor's own flags are wrong. */
export class InvalidSpec extends TaggedError("InvalidSpec")<Named> {}

/** A child with this id runs already. */
export class ChildAlreadyStarted extends TaggedError("ChildAlreadyStarted")<Named> {}

/** A child with this id is known and does not run: restart it, or delete it first. */
export class ChildAlreadyPresent extends TaggedError("ChildAlreadyPresent")<Named> {}

/** The child's `start` threw, rejected or was given up. `cause` is what it threw. */
export class ChildStartFailed extends TaggedError("ChildStartFailed")<Named & { readonly cause: Error }> {}

/** No child has this id. */
export class ChildNotFound extends TaggedError("ChildNotFound")<Named> {}

/** The child runs, and has to be terminated first. */
export class ChildRunning extends TaggedError("ChildRunning")<Named> {}

/** The child is about to be restarted; terminate it first. */
export class ChildRestarting extends TaggedError("ChildRestarting")<Named> {}

/** The supervisor has ended, or is ending; nothing more is started. */
export class SupervisorStopped extends TaggedError("SupervisorStopped")<{
  readonly supervisor: string;
  readonly message: string;
}> {}

export const invalidSpec = (supervisor: string, id: string, problem: string): InvalidSpec =>
  new InvalidSpec({
    supervisor,
    id,
    message: `supervisor "${supervisor}"${id === "" ? "" : `, child "${id}"`}: ${problem}`,
  });

export const childAlreadyStarted = (supervisor: string, id: string): ChildAlreadyStarted =>
  new ChildAlreadyStarted({
    supervisor,
    id,
    message: `supervisor "${supervisor}": child "${id}" is running already; use it, or terminate it first`,
  });

export const childAlreadyPresent = (supervisor: string, id: string): ChildAlreadyPresent =>
  new ChildAlreadyPresent({
    supervisor,
    id,
    message: `supervisor "${supervisor}": child "${id}" exists and is not running; restart or delete it`,
  });

export const childStartFailed = (supervisor: string, id: string, cause: Error): ChildStartFailed =>
  new ChildStartFailed({
    supervisor,
    id,
    cause,
    message: `supervisor "${supervisor}": child "${id}" did not start: ${cause.message}`,
  });

export const childNotFound = (supervisor: string, id: string): ChildNotFound =>
  new ChildNotFound({
    supervisor,
    id,
    message: `supervisor "${supervisor}" has no child "${id}"; whichChildren() lists those it has`,
  });

export const childRunning = (supervisor: string, id: string): ChildRunning =>
  new ChildRunning({
    supervisor,
    id,
    message: `supervisor "${supervisor}": child "${id}" is running; terminate it first`,
  });

export const childRestarting = (supervisor: string, id: string): ChildRestarting =>
  new ChildRestarting({
    supervisor,
    id,
    message: `supervisor "${supervisor}": child "${id}" is about to be restarted; terminate it first`,
  });

export const supervisorStopped = (supervisor: string): SupervisorStopped =>
  new SupervisorStopped({
    supervisor,
    message: `supervisor "${supervisor}" has ended or is ending; nothing more is started`,
  });
