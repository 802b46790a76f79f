// Messages that every receiver has to set aside, as a file that other languages can take.
import { HOSTILE } from "./hostile.ts";

export const REFUSED_FILE = new URL("fixtures/refused.json", import.meta.url);

/** What is small enough to stand in a file. All of it comes under `results`. */
export function refusedJson(): string {
  const small = HOSTILE.filter(
    ({ bytes, subject, headers }) => bytes.length + subject.length + JSON.stringify(headers).length < 2_000,
  );
  const rows = small.map(({ name, subject, headers, bytes }) => ({
    name,
    channel: "results",
    subject,
    headers,
    body_hex: Buffer.from(bytes).toString("hex"),
  }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}
