import { expect, test } from "vitest";
import { REJECTION_TABLE } from "../../machines/mod.ts";
import { rejectionsPage } from "./rejections_page.ts";

test("docs/rejections.md says what the code does", async () => {
  await expect(rejectionsPage()).toMatchFileSnapshot("../../docs/rejections.md");
});

test("nothing in the table breaks a Markdown table, and every row tells what to do", () => {
  for (const { title, advice, codes } of REJECTION_TABLE) {
    expect(title + advice).not.toMatch(/[|\n]/);
    expect(advice).toMatch(/^[A-Z].{20,}\.$/);
    expect(codes).not.toEqual([]);
  }
});
