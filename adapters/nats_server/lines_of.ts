// Lines out of a stream of chunks, each bounded in length.
import { StringDecoder } from "node:string_decoder";

const MAX_LINE_CHARS = 4_000;

/** A listener for `data` that calls `onLine` with each whole line; what is too long is cut. */
export function toLines(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS);
    for (const line of lines) onLine(line.slice(0, MAX_LINE_CHARS).trimEnd());
  };
}
