// `purgatory check`: whether the configuration is in order.
import { formatCheck, loadConfig } from "../../config/mod.ts";
import { type Answer, done, failed } from "./answer.ts";
import type { CheckCommand } from "./command.ts";

export function check({ dir }: CheckCommand): Answer {
  const result = loadConfig(dir, process.env);
  return result.ok ? done(formatCheck(result)) : failed(formatCheck(result));
}
