// Bytes as lines, however they come.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { linesOf, partsOf } from "../../../adapters/recording/mod.ts";

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function read(bytes: Uint8Array, size: number, bytesMax = 1_000) {
  const found: [number, string | null][] = [];
  for await (const { first, lines } of linesOf(chunks(bytes, size), { bytesMax }))
    for (const [index, line] of lines.entries()) found.push([first + index, line?.toString() ?? null]);
  return found;
}
const text = "one\ntwö\r\n\nfour, and no end";
const four = [
  [1, "one"],
  [2, "twö"],
  [3, ""],
  [4, "four, and no end"],
];

describe("lines", () => {
  test.each([1, 2, 3, 7, 1_000])("come whole from chunks of %i bytes", async (size) => {
    expect(await read(Buffer.from(text), size)).toEqual(four);
    expect(await read(Buffer.from(`${text}\n`), size)).toEqual(four);
    expect(await read(Buffer.from(`\uFEFF${text}`), size)).toEqual(four);
  });

  test.each([1, 5, 1_000])("are unpacked, from chunks of %i bytes", async (size) => {
    expect(await read(gzipSync(text), size)).toEqual(four);
    expect(await read(Buffer.concat([gzipSync("one\ntw"), gzipSync("ö\n\nfour, and no end")]), size)).toEqual(
      four,
    );
  });

  test("of nothing are none", async () => {
    expect(await read(Buffer.alloc(0), 1)).toEqual([]);
    expect(await read(Buffer.from([0x1f]), 1)).toHaveLength(1);
  });

  test.each([1, 4, 1_000])("that are too long are named, and not kept; chunks of %i bytes", async (size) => {
    const long = "x".repeat(50);
    expect(await read(Buffer.from(`a\n${long}\nb\n${long}`), size, 10)).toEqual([
      [1, "a"],
      [2, null],
      [3, "b"],
      [4, null],
    ]);
  });

  test("that were packed and cut off end with an error, after those that are whole", async () => {
    const packed = gzipSync(`${"first line of many\n".repeat(20_000)}${Math.PI}`);
    const found: number[] = [];
    const reading = (async () => {
      for await (const { lines } of linesOf(chunks(packed.subarray(0, -40), 64))) found.push(lines.length);
    })();
    await expect(reading).rejects.toThrow("unexpected end of file");
    expect(found.length).toBeGreaterThan(0);
  });

  test("end with the error of their source, packed or not", async () => {
    const failing = async function* (head: Uint8Array): AsyncGenerator<Uint8Array> {
      yield head;
      throw new Error("the disk is gone");
    };
    for (const head of [Buffer.from(text), gzipSync(text).subarray(0, 12)]) {
      const reading = (async () => {
        for await (const batch of linesOf(failing(head))) expect(batch.lines.length).toBeGreaterThan(0);
      })();
      await expect(reading).rejects.toThrow("the disk is gone");
    }
  });
});

describe("a reader that stops early", () => {
  test.each([
    ["plain", (text: string) => Buffer.from(text)],
    ["packed", gzipSync],
  ])("closes a source that is %s", async (_, packed) => {
    const isClosed = Promise.withResolvers<string>();
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield packed("a line\n".repeat(1_000));
      } finally {
        isClosed.resolve("closed");
      }
    };
    for await (const { lines } of linesOf(source())) {
      expect(lines[0]?.toString()).toBe("a line");
      break;
    }
    expect(await isClosed.promise).toBe("closed");
  });
});

describe("a file", () => {
  const dir = mkdtempSync(join(tmpdir(), "lines-"));
  afterAll(() => rmSync(dir, { recursive: true }));
  const file = (name: string, bytes: Uint8Array | string): string => {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    return path;
  };
  const many = Array.from({ length: 500 }, (_, index) => `line ${index} ${"x".repeat(index % 40)}`);

  test.each([1, 16, 64, 1_000_000])("is read whole, %i bytes at a time in two buffers", async (bytes) => {
    for (const path of [file("plain", many.join("\n")), file("packed", gzipSync(many.join("\n")))]) {
      const found: (string | undefined)[] = [];
      for await (const { lines } of linesOf(partsOf(path, bytes)))
        found.push(...lines.map((line) => line?.toString()));
      expect(found).toEqual(many);
    }
  });

  test("that is read no further is closed, and one that cannot be read says why", async () => {
    for await (const { lines } of linesOf(partsOf(file("left", many.join("\n")), 64))) {
      expect(lines.length).toBeGreaterThan(0);
      break;
    }
    await expect(partsOf(join(dir, "nowhere")).next()).rejects.toThrow("ENOENT");
    await expect(partsOf(dir).next()).rejects.toThrow("EISDIR");
  });
});
