// Messages that nobody should send, each with the reason for which it is set aside.
import { Packr } from "msgpackr";
import { type Headers, MAX_BODY_BYTES, MAX_DEPTH, type TransportMessage } from "../../../adapters/bus/mod.ts";
import { JSON_TEXT, MSGPACK, vector } from "./vectors.ts";

export const RESULTS_OF_BONK = "purge.v1.results.BONK-USD";
export interface Hostile extends TransportMessage {
  readonly name: string;
  readonly reason: RegExp;
}

/** What msgpackr does when left alone: records, maps with any key, every extension. */
const careless = new Packr({ useRecords: false, moreTypes: true, structuredClone: true });
export const carelessly = (body: unknown): Uint8Array => careless.pack(body);

const update = vector("order.update").body;
const { fee: _fee, ...withoutFee } = update;
const changed = (fields: object): Uint8Array => carelessly({ ...update, ...fields });
const bytes = (...values: number[]): Uint8Array => Buffer.from(values);
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const json = (body: unknown): string => JSON.stringify(body);
const jsonWith = (from: string, to: string): string => json(update).replace(from, to);

type Row = readonly [name: string, body: Uint8Array | string, reason: RegExp];

const PACKED: readonly Row[] = [
  ["nothing", new Uint8Array(), /the end, in the middle/],
  ["more than one value", Buffer.concat([carelessly(update), bytes(0xc0)]), /1 bytes after the end/],
  ["no map", carelessly([1, 2, 3]), /not valid/],
  ["nil", bytes(0xc0), /not valid/],
  ["an empty map", bytes(0x80), /not valid/],
  ["an unknown type", changed({ type: "order.teleport" }), /not valid/],
  ["a type that is a list", changed({ type: ["order.update"] }), /not valid/],
  ["a message of another channel", carelessly(vector("order.query").body), /not valid/],
  ["a number for an amount", changed({ fee: 0.1 }), /Expected string at \["fee"\]/],
  ["an exponent in an amount", changed({ fee: "1e3" }), /\["fee"\]/],
  ["a negative amount", changed({ fee: "-1" }), /\["fee"\]/],
  ["other digits in an amount", changed({ fee: "١" }), /\["fee"\]/],
  ["a line end after an amount", changed({ fee: "1\n" }), /\["fee"\]/],
  ["an hour that does not exist", changed({ at: "2025-02-28T25:00:00.000Z" }), /\["at"\]/],
  ["epoch milliseconds", changed({ at: 1_762_830_245_678 }), /\["at"\]/],
  ["NaN", changed({ revision: Number.NaN }), /\["revision"\]/],
  ["Infinity", changed({ revision: Number.POSITIVE_INFINITY }), /\["revision"\]/],
  ["a fraction for a count", changed({ revision: 1.5 }), /\["revision"\]/],
  ["a negative count", changed({ revision: -1 }), /\["revision"\]/],
  ["an integer past 2^53", changed({ revision: 2 ** 53 }), /\["revision"\]/],
  ["a 64-bit integer past 2^53", changed({ revision: 2n ** 63n }), /\["revision"\]/],
  ["a 64-bit integer far below nothing", changed({ revision: -(2n ** 63n) }), /\["revision"\]/],
  ["a missing field", carelessly(withoutFee), /\["fee"\]/],
  ["a text that is too long", changed({ order_id: "x".repeat(501) }), /\["order_id"\]/],
  ["a symbol with a wildcard", changed({ symbol: "*-USD" }), /\["symbol"\]/],
  ["a Map", carelessly(new Map([[1, update]])), /a map key that is not text/],
  ["a Set", changed({ order_id: new Set(["x"]) }), /an extension type/],
  ["a Date", changed({ at: new Date(0) }), /an extension type/],
  ["a timestamp of 12 bytes", bytes(0xc7, 12, 0xff, ...Array<number>(12).fill(0)), /an extension type/],
  ["a RegExp", changed({ order_id: /(a+)+$/ }), /an extension type/],
  ["an Error", changed({ order_id: new Error("x") }), /an extension type/],
  ["typed arrays", changed({ order_id: new Float64Array(4) }), /an extension type/],
  ["an extension of four billion", bytes(0xc9, 0xff, 0xff, 0xff, 0xff, 1), /an extension type/],
  ["an extension where a field would be ignored", changed({ extra: new Date(0) }), /an extension type/],
  ["a record that compiles to code", new Packr().pack({ ...update }), /an extension type/],
  ["binary for a text", changed({ order_id: Buffer.from("x") }), /\["order_id"\]/],
  ["the unused head", bytes(0xc1), /0xc1/],
  ["an array of four billion", bytes(0xdd, 0xff, 0xff, 0xff, 0xff), /a length beyond the end/],
  ["a map of four billion", bytes(0xdf, 0xff, 0xff, 0xff, 0xff), /a length beyond the end/],
  ["a text of four billion", bytes(0xdb, 0xff, 0xff, 0xff, 0xff), /a value that is cut off/],
  ["binary of four billion", bytes(0xc6, 0xff, 0xff, 0xff, 0xff), /a value that is cut off/],
  ["half a length", bytes(0xdb, 0xff), /a length that is cut off/],
  ["half a million arrays in each other", Buffer.alloc(500_000, 0x91), /nested deeper/],
  ["half a million maps in each other", Buffer.alloc(499_800, "\x81\xa1a", "latin1"), /nested deeper/],
  ["one level too deep", carelessly(nested(MAX_DEPTH + 1)), /nested deeper/],
  ["more than the limit", Buffer.alloc(MAX_BODY_BYTES + 1), /at most 1048576 are read/],
  ["a key __proto__", carelessly(new Map([["__proto__", 1]])), /a key named __proto__/],
  ["a key constructor and nothing else", carelessly({ constructor: { prototype: {} } }), /not valid/],
  [
    "fields of every object, but none of its own",
    carelessly({ toString: 1, hasOwnProperty: 1 }),
    /not valid/,
  ],
  ["JSON under MessagePack's name", Buffer.from(json(update)), /not plain MessagePack/],
];

const TEXT: readonly Row[] = [
  ["nothing", "", /not JSON/],
  ["half of it", json(update).slice(0, 100), /not JSON/],
  ["two values", `${json(update)}${json(update)}`, /not JSON/],
  ["null", "null", /not valid/],
  ["a text", '"order.update"', /not valid/],
  ["half a million arrays in each other", `${"[".repeat(5e5)}${"]".repeat(5e5)}`, /nested too deep|not JSON/],
  ["one level too deep", json(nested(MAX_DEPTH + 1)), /nested too deep/],
  ["an integer past 2^53", json({ ...update, revision: 2 ** 53 }), /\["revision"\]/],
  ["an integer of forty digits", jsonWith('"revision":2', `"revision":${"9".repeat(40)}`), /\["revision"\]/],
  ["a key __proto__", '{"__proto__": {"type": "order.update"}}', /a key named __proto__/],
  ["the same key hidden by an escape", '{"\\u005f_proto__": 1}', /a key named __proto__/],
  ["the same key where a field would be ignored", jsonWith("{", '{"x":{"__proto__":1},'), /named __proto__/],
  ["NaN", jsonWith('"revision":2', '"revision":NaN'), /not JSON/],
  ["a number beyond all", '{"revision": 1e999}', /the number Infinity/],
  ["a comment", `/* */ ${json(update)}`, /not JSON/],
  ["a number for an amount", jsonWith('"fee":"0.018"', '"fee":0.018'), /\["fee"\]/],
  ["the last of two equal keys counts, and is wrong", jsonWith("}", ',"fee":1}'), /\["fee"\]/],
  ["UTF-16", Buffer.from(`\ufeff${json(update)}`, "utf16le"), /not JSON/],
  ["MessagePack under JSON's name", carelessly(update), /not JSON/],
  ["compressed", bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0), /not JSON/],
];

const good = carelessly(update);
type HeaderRow = readonly [name: string, headers: Headers, reason: RegExp];
const HEADERS: readonly HeaderRow[] = [
  ["no headers", {}, /Schema-Version is missing/],
  ["no version", { "Content-Type": "application/msgpack" }, /Schema-Version is missing/],
  ["a newer version", { ...MSGPACK, "Schema-Version": "2" }, /Schema-Version is "2"; expected 1/],
  ["a version with more behind it", { ...MSGPACK, "Schema-Version": "1.1" }, /"1\.1"; expected 1/],
  ["an empty version", { ...MSGPACK, "Schema-Version": "" }, /Schema-Version is ""/],
  ["no type", { "Schema-Version": "1" }, /Content-Type is missing/],
  ["another type", { ...MSGPACK, "Content-Type": "text/html" }, /Content-Type is "text\/html"/],
  ["a type of 10,000 letters", { ...MSGPACK, "Content-Type": "x".repeat(10_000) }, /is "x{50}"; expected/],
  ["types in a list", { ...MSGPACK, "Content-Type": "application/json, text/html" }, /expected application/],
  ["headers that every object has", { ...MSGPACK, "Content-Type": "__proto__" }, /is "__proto__"/],
];

const SUBJECTS: readonly (readonly [name: string, subject: string])[] = [
  ["another symbol's subject", "purge.v1.results.SEI-USD"],
  ["a subject whose symbol is none", "purge.v1.results.bonk"],
  ["a subject of a letter that looks like another", "purge.v1.results.ВONK-USD"],
  ["a subject of 4,000 letters", `purge.v1.results.${"A".repeat(4_000)}-USD`],
];

/** All of them are under `results` of BONK-USD, or pretend to be. */
export const HOSTILE: readonly Hostile[] = [
  ...PACKED.map(([name, body, reason]) => hostile(`MessagePack: ${name}`, body, MSGPACK, reason)),
  ...TEXT.map(([name, body, reason]) => hostile(`JSON: ${name}`, body, JSON_TEXT, reason)),
  ...HEADERS.map(([name, headers, reason]) => hostile(`headers: ${name}`, good, headers, reason)),
  ...SUBJECTS.map(([name, subject]) => ({
    ...hostile(`subject: ${name}`, good, MSGPACK, /the body belongs under|the subject is none of results/),
    subject,
  })),
];

function hostile(name: string, body: Uint8Array | string, headers: Headers, reason: RegExp): Hostile {
  const encoded = typeof body === "string" ? Buffer.from(body) : body;
  return { name, subject: RESULTS_OF_BONK, bytes: encoded, headers, reason };
}
