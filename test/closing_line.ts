// The last line of a test run, in a form that any program can read: `N passed, N failed`.
import type { Reporter, TestModule } from "vitest/node";

/** Counts tests, and files that could not be run at all. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        if (test.result().state === "passed") passed += 1;
        else if (test.result().state === "failed") failed += 1;
      }
      failed += module.errors().length;
    }
    process.once("exit", () => console.log(`${passed} passed, ${failed} failed`));
  }
}
