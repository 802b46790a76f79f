// Killed at two hundred random moments while orders and results cross a real nats-server.
import { startNatsServer } from "../nats_server.ts";
import { crashSuite } from "./crash_suite.ts";

crashSuite("over NATS", startNatsServer);
