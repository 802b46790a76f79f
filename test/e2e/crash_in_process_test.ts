// Killed at two hundred random moments on the embedded bus.
import { crashSuite } from "./crash_suite.ts";

crashSuite("in process", async () => ({ url: null, stop: async () => {} }));
