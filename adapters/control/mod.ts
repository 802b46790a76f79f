// The public face of the control service.
export { type Claim, type ClaimOptions, ClaimedError, claimName, refuseOthers } from "./claim.ts";
export {
  type ControlClient,
  type ControlClientOptions,
  ControlError,
  controlClient,
} from "./client.ts";
export type { Overview } from "./replies.ts";
export {
  ActionReply,
  CONTROL_SCHEMAS,
  CONTROL_SUBJECT,
  CycleBody,
  ERROR_STATUS,
  type ErrorCode,
  ErrorReply,
  OPERATIONS,
  type Operation,
  PlainRequest,
  ReasonedRequest,
  SERVICE_NAME,
  StatusReply,
  StatusRequest,
  SymbolBody,
  SymbolReply,
  SymbolRequest,
} from "./schemas.ts";
export { type ControlService, type ControlServiceOptions, startControlService } from "./service.ts";
export {
  describeSupervisor,
  type OtherSupervisor,
  type OtherSupervisorsOptions,
  otherSupervisors,
} from "./supervisors.ts";
