// What supervisors tell, as an observation among the others.
import { describeEnd, describeReason } from "./child_spec.ts";
import type { Observation } from "./ports.ts";
import type { SupervisorEvent } from "./supervisor_events.ts";

/** What supervisors tell, in the words of the rest of the program. */
export function observationOf(event: SupervisorEvent): Observation {
  const { supervisor, child } = event;
  const told = { kind: "child", supervisor, child } as const;
  switch (event.kind) {
    case "started":
    case "restarted":
      return { ...told, what: event.kind, reason: null };
    case "exited":
    case "stopped":
    case "late_exit":
      return { ...told, what: "exited", reason: describeReason(event.reason) };
    case "abandoned":
      return { ...told, what: "abandoned", reason: describeReason(event.reason) };
    case "start_failed":
      return { ...told, what: "exited", reason: event.error.message };
    case "auto_shutdown":
      return { ...told, what: "exited", reason: "significant" };
    case "escalated":
      return { ...told, what: "escalated", reason: describeEnd(event.end) };
  }
}
