// The public face of recordings: a ledger's steps as lines of JSON, and what they look like to people.
export { type LineBatch, linesOf, partsOf } from "./lines.ts";
export { mermaidHead, MermaidSequence } from "./mermaid_sequence.ts";
export { problemIn, type ReadLine, type ReadRecord, readRecordLine, recordLine } from "./record_line.ts";
export { stepRow, STEP_HEAD } from "./step_table.ts";
export { type Shown, commandWords, eventWords } from "./step_words.ts";
export type { Kept, KeptOptions } from "./kept_transitions.ts";
export { loadKeptTransitions } from "./load_late.ts";
