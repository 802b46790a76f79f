// Looks over MessagePack before it is unpacked. The unpacker would build whatever the bytes ask for: regular
// expressions, shared and circular references, records compiled to code. The protocol needs none of that.
const PROTO = [...Buffer.from("__proto__")];

/** How many bytes of value follow a head byte of fixed size. */
const BYTES_OF_VALUE = new Map([
  [0xc0, 0], // nil
  [0xc2, 0], // false
  [0xc3, 0], // true
  [0xca, 4], // float
  [0xcb, 8],
  [0xcc, 1], // uint
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1], // int
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);

type Kind = "scalar" | "binary" | "text" | "array" | "map";

/** What a head byte with a length behind it opens, and how many bytes that length has. */
const LENGTHS = new Map<number, readonly [Kind, bytes: 1 | 2 | 4]>([
  [0xc4, ["binary", 1]],
  [0xc5, ["binary", 2]],
  [0xc6, ["binary", 4]],
  [0xd9, ["text", 1]],
  [0xda, ["text", 2]],
  [0xdb, ["text", 4]],
  [0xdc, ["array", 2]],
  [0xdd, ["array", 4]],
  [0xde, ["map", 2]],
  [0xdf, ["map", 4]],
]);

/** Says why `bytes` are not one plain MessagePack value: nil, booleans, numbers, text, binary, arrays, and maps with
 * text keys, nested at most `maxDepth` deep. Null when they are. Reads each byte at most once, and allocates nothing
 * that the bytes could make large. */
export function msgpackProblem(bytes: Uint8Array, maxDepth: number): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** How many values are still to come in each open container; keys are values too. */
  const open: { left: number; readonly isMap: boolean }[] = [];
  let position = 0;
  do {
    const start = position;
    const container = open.at(-1);
    const isKey = container?.isMap === true && container.left % 2 === 0;
    if (container !== undefined) container.left -= 1;
    const token = tokenAt(view, start);
    if (typeof token === "string") return `${token} at byte ${start}`;
    position = token.next;
    if (isKey && token.kind !== "text") return `a map key that is not text at byte ${start}`;
    if (isKey && isProto(bytes, token)) return `a key named __proto__ at byte ${start}`;
    if (token.kind === "map" || token.kind === "array") {
      const left = token.kind === "map" ? 2 * token.length : token.length;
      if (left > bytes.length - position) return `a length beyond the end at byte ${start}`;
      if (open.length >= maxDepth) return `nested deeper than ${maxDepth} at byte ${start}`;
      open.push({ left, isMap: token.kind === "map" });
    }
    while (open.at(-1)?.left === 0) open.pop();
  } while (open.length > 0);
  return position === bytes.length ? null : `${bytes.length - position} bytes after the end of the value`;
}

interface Token {
  readonly kind: Kind;
  /** Bytes of text or binary, elements of an array, entries of a map. */
  readonly length: number;
  /** Where the next token begins. */
  readonly next: number;
}

/** The token at `start`, or what is wrong with it. */
function tokenAt(view: DataView, start: number): Token | string {
  if (start >= view.byteLength) return "the end, in the middle of a value";
  const token = readToken(view, view.getUint8(start), start + 1);
  if (typeof token === "string") return token;
  return token.next > view.byteLength ? "a value that is cut off" : token;
}

function readToken(view: DataView, head: number, at: number): Token | string {
  if (head < 0x80 || head >= 0xe0) return { kind: "scalar", length: 0, next: at };
  if (head < 0x90) return { kind: "map", length: head & 0x0f, next: at };
  if (head < 0xa0) return { kind: "array", length: head & 0x0f, next: at };
  if (head < 0xc0) return { kind: "text", length: head & 0x1f, next: at + (head & 0x1f) };
  const valueBytes = BYTES_OF_VALUE.get(head);
  if (valueBytes !== undefined) return { kind: "scalar", length: 0, next: at + valueBytes };
  const [kind, lengthBytes] = LENGTHS.get(head) ?? [null, 0];
  if (kind === null) return head === 0xc1 ? "the unused head 0xc1" : "an extension type";
  if (at + lengthBytes > view.byteLength) return "a length that is cut off";
  const length = readLength(view, at, lengthBytes);
  const next = at + lengthBytes;
  return { kind, length, next: kind === "text" || kind === "binary" ? next + length : next };
}

function readLength(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  return bytes === 2 ? view.getUint16(at) : view.getUint32(at);
}

function isProto(bytes: Uint8Array, { length, next }: Token): boolean {
  return length === PROTO.length && PROTO.every((byte, index) => bytes[next - length + index] === byte);
}
