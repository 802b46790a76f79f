// Whether there is a file, as far as one may know.
import { existsSync } from "node:fs";

/** One that may not be looked at counts as there: the grants that are then asked for name it, instead of something else
 * being used without a word. */
export function isThereOrHidden(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    return true;
  }
}
