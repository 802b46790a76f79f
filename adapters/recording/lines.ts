// A stream of bytes as lines: many at a time, whatever the length of the stream, and unpacked where it is gzip.
import { open } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";

export interface LineBatch {
  /** The number of the first of them, from 1. */
  readonly first: number;
  /** Parts of a buffer that holds other lines when the next batch is there: whoever keeps one keeps a copy. Null for a line that
   * is too long to be read. */
  readonly lines: readonly (Buffer | null)[];
  /** The only one of these has no end: it may have been cut off. */
  readonly isOpen: boolean;
}

/** Longer than any record: a snapshot keeps a bounded past. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;

/** Of a file, at a time. Twice as much is half a microsecond less for a record, and 12 MB more at the peak of a replay. */
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;
const GZIP = [0x1f, 0x8b];

/** A file, part by part. One part is read while the other is looked at; there are no more than these two, so that nothing is left
 * behind for the collector.
 *
 * Rejects as the file system does.
 */
export async function* partsOf(path: string, partBytes = CHUNK_BYTES): AsyncGenerator<Buffer> {
  const file = await open(path);
  let [present, other] = [Buffer.allocUnsafeSlow(partBytes), Buffer.allocUnsafeSlow(partBytes)];
  const read = (into: Buffer) => {
    const reading = file.read(into);
    // It may fail while nobody waits for it: who asks for the part is told.
    reading.catch(() => {});
    return reading;
  };
  let reading = read(present);
  try {
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      const part = present.subarray(0, bytesRead);
      [present, other] = [other, present];
      reading = read(present);
      yield part;
    }
  } finally {
    await reading.catch(() => {});
    await file.close();
  }
}

/** Lines without their ends, which may be `\n` or `\r\n`. The last one needs none. Of `source` a part is done with when the next
 * one is asked for.
 *
 * Rejects with what the source rejects with, or with zlib's error for gzip that is damaged or ends early.
 */
export async function* linesOf(
  source: AsyncIterable<Uint8Array>,
  { bytesMax = LINE_BYTES_MAX }: { readonly bytesMax?: number } = {},
): AsyncGenerator<LineBatch> {
  let number = 1;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of await unpacked(source)) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: (Buffer | null)[] = [];
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      const end = bytes.subarray(from, at);
      lines.push(restBytes + end.length > bytesMax ? null : bare(restBytes === 0 ? end : [...rest, end]));
      [rest, restBytes] = [[], 0];
      from = at + 1;
    }
    restBytes += bytes.length - from;
    // Of a line that is too long only its length is kept.
    if (restBytes > bytesMax) rest = [];
    else if (from < bytes.length) rest.push(Buffer.from(bytes.subarray(from)));
    if (lines.length > 0) yield { first: number, lines, isOpen: false };
    number += lines.length;
  }
  if (restBytes > 0) yield { first: number, lines: [restBytes > bytesMax ? null : bare(rest)], isOpen: true };
}

const RETURN = 13;
const BOM = [0xef, 0xbb, 0xbf];

function bare(parts: Buffer | readonly Buffer[]): Buffer {
  const line = Buffer.isBuffer(parts) ? parts : Buffer.concat(parts);
  const from = BOM.every((byte, index) => line[index] === byte) ? BOM.length : 0;
  const to = line.at(-1) === RETURN ? line.length - 1 : line.length;
  return to - from === line.length ? line : line.subarray(from, to);
}

async function unpacked(source: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let isDone = false;
  while (head.length < GZIP.length && !isDone) {
    const { done, value } = await iterator.next();
    isDone = done === true;
    if (!isDone) head = Buffer.concat([head, value]);
  }
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      while (!isDone) {
        const { done, value } = await iterator.next();
        isDone = done === true;
        if (!isDone) yield value;
      }
    } finally {
      // A reader that stops early closes the source with it.
      await iterator.return?.();
    }
  };
  if (!GZIP.every((byte, index) => head[index] === byte)) return whole();
  // A stream reads ahead.
  const copies = async function* (): AsyncGenerator<Uint8Array> {
    for await (const part of whole()) yield Buffer.from(part);
  };
  const packed = Readable.from(copies(), { objectMode: false });
  // What goes wrong with the source ends the reader of its lines, and a reader that stops early closes the source.
  return pipeline(packed, createGunzip(), () => {});
}
