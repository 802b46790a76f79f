// Who runs this process, for the record of what an operator asked. It is a claim, not a proof.
import { hostname, userInfo } from "node:os";

/** `ana@desk-3`. */
export function whoRuns(): string {
  return `${userName()}@${hostname()}`.replace(/[^\x21-\x7e]/g, "?").slice(0, 100);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in many containers.
    return `uid ${process.getuid?.() ?? "unknown"}`.replace(" ", "-");
  }
}
