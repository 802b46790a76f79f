// The public face of this room.
export type {
  AppConfig,
  BanConfig,
  Config,
  CycleConfig,
  HardeningConfig,
  NatsConfig,
  PolicyConfig,
  UniverseConfig,
} from "./config.ts";
export {
  type ConfigFileName,
  type ConfigFiles,
  configFileNames,
  configPaths,
  configTexts,
  type FileRead,
  maxFileBytes,
  readConfigFiles,
} from "./files.ts";
export { jsonSchemas } from "./json_schema.ts";
export type { ListedSymbol } from "./keys.ts";
export { type ConfigResult, loadConfig, parseConfig, shippedConfigDir } from "./load.ts";
export { type NatsAccess, type NatsAccessFlags, natsAccess, natsFiles, tokenAccess } from "./nats_access.ts";
export {
  allValid,
  formatCheck,
  formatNotes,
  formatProblem,
  formatProblems,
  type Note,
  type Problem,
  type ProblemCode,
  problemCodes,
} from "./problem.ts";
export { referenceTables, writeGenerated } from "./reference.ts";
export { relations } from "./relations.ts";
export type { Environment } from "./secrets.ts";
export { meant } from "./words.ts";
