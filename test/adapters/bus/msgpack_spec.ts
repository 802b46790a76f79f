// MessagePack by its specification alone, for the part of it that the protocol uses: a second opinion on every byte.

/** @throws Error where `bytes` are not one value of nil, booleans, numbers, text, binary, arrays and maps with text keys */
export function unpackBySpec(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.position !== bytes.length) throw new Error(`${bytes.length - reader.position} bytes left over`);
  return value;
}

/** `value` in the longest form: every length of four bytes and every integer of eight. Legal, and unlike what the codec
 * writes. */
export function packBySpec(value: unknown): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === "string")
    return Buffer.concat([head32(0xdb, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "number") return Number.isSafeInteger(value) ? int64(value) : float64(value);
  if (Array.isArray(value)) return Buffer.concat([head32(0xdd, value.length), ...value.map(packBySpec)]);
  if (typeof value !== "object") throw new Error(`a ${typeof value} cannot be packed`);
  const entries: [string, unknown][] = Object.entries(value);
  const parts = entries.flatMap(([key, inner]) => [packBySpec(key), packBySpec(inner)]);
  return Buffer.concat([head32(0xdf, entries.length), ...parts]);
}

function head32(head: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(head);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(0xd3);
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
}

function float64(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(0xcb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** What is not UTF-8 becomes U+FFFD, as the protocol says. */
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

class Reader {
  readonly #bytes: Buffer;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  value(): unknown {
    const head = this.#take(1).readUInt8();
    if (head <= 0x7f) return head;
    if (head <= 0x8f) return this.#map(head & 0x0f);
    if (head <= 0x9f) return this.#array(head & 0x0f);
    if (head <= 0xbf) return this.#text(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(Number(this.#unsigned(2 ** (head - 0xc4))));
      case 0xca:
        return this.#take(4).readFloatBE();
      case 0xcb:
        return this.#take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return Number(this.#unsigned(2 ** (head - 0xcc)));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(2 ** (head - 0xd0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(Number(this.#unsigned(2 ** (head - 0xd9))));
      case 0xdc:
      case 0xdd:
        return this.#array(Number(this.#unsigned(2 ** (head - 0xdb))));
      case 0xde:
      case 0xdf:
        return this.#map(Number(this.#unsigned(2 ** (head - 0xdd))));
      default:
        throw new Error(`the head 0x${head.toString(16)} is not used by the protocol`);
    }
  }

  #take(length: number): Buffer {
    const part = this.#bytes.subarray(this.position, this.position + length);
    if (part.length < length) throw new Error("cut off");
    this.position += length;
    return part;
  }

  #unsigned(width: number): bigint {
    return this.#take(width).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  }

  #signed(width: number): number {
    return Number(BigInt.asIntN(width * 8, this.#unsigned(width)));
  }

  #text(length: number): string {
    return UTF8.decode(this.#take(length));
  }

  #array(length: number): unknown[] {
    if (length > this.#bytes.length) throw new Error("cut off");
    return Array.from({ length }, () => this.value());
  }

  #map(length: number): object {
    if (length > this.#bytes.length) throw new Error("cut off");
    const entries = Array.from({ length }, (): [string, unknown] => {
      const key = this.value();
      if (typeof key !== "string") throw new Error("a key that is no text");
      return [key, this.value()];
    });
    return Object.fromEntries(entries);
  }
}
