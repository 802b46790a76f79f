// The public face of the paper exchange.
export { PaperFileError } from "./account_file.ts";
export type { PaperFill, PaperOrder, PaperRequest } from "./books.ts";
export type { PaperBalance } from "./market_data.ts";
export { CANCEL_LAG_MS } from "./order_desk.ts";
export { openPaperExchange, type PaperExchange, type PaperExchangeOptions } from "./paper_exchange.ts";
export type { ProgramNode } from "./program.ts";
export type { PaperProduct, Step } from "./script.ts";
export { type PaperScript, PaperScriptError, parsePaperScript, readPaperScript } from "./script.ts";
