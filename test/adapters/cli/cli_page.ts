// docs/cli.md as the code has it: help texts and exit codes put into their places.
import { EXIT_MEANINGS, parseCommandLine } from "../../../adapters/cli/mod.ts";
import { statusLines } from "../../../adapters/cli/status_view.ts";
import { supervisorLines } from "../../../adapters/cli/supervisor_view.ts";
import { bonk, NOW, sei } from "./statuses.ts";
import { reply } from "./supervisor_reply.ts";

export const pageUrl = new URL("../../../docs/cli.md", import.meta.url);

/** `page` with every generated part renewed. */
export function withGenerated(page: string): string {
  const helped = page.replace(/^```text purgatory (.*)\n[\s\S]*?^```$/gm, (_, line: string) => {
    return `\`\`\`text purgatory ${line}\n${answer(line)}\`\`\``;
  });
  const rows = EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |\n`).join("");
  const tabled = helped.replace(/(\| code \| meaning \|\n\| --- \| --- \|\n)(\|.*\|\n)*/, `$1${rows}`);
  const shown = tabled.replace(/^(\$ purgatory status\n)[\s\S]*?^```$/m, `$1${exampleStatus()}\n\`\`\``);
  return shown.replace(
    /^(\$ purgatory status --nats .*\n)[\s\S]*?^```$/m,
    `$1${exampleSupervisor()}\n\`\`\``,
  );
}

/** What the command line answers: help, or what is wrong. */
export function answer(line: string): string {
  const facts = { version: "0.1.0", shippedConfigDir: "/opt/purgatory/config", cwd: "/srv/bot" };
  const parsed = parseCommandLine(line.split(" "), {}, facts);
  if (parsed.kind === "text") return parsed.text;
  if (parsed.kind === "usage") return parsed.message;
  throw new Error(`${line}: is a command, and was to be help or a mistake`);
}

function exampleStatus(): string {
  const dir = "/srv/bot/.purgatory/paper";
  const grants = {
    program: [],
    read: ["/srv/bot/config", dir],
    write: [dir],
    make: [],
    network: [],
    child: [],
    worker: false,
    sqlite: true,
    optional: { read: [], write: [] },
  };
  const input = {
    mode: "paper",
    dir,
    lockedBy: 4711,
    lastAt: "2025-11-11T03:17:58.250Z",
    statuses: [bonk, sei],
    grants,
    bus: null,
    now: NOW,
  } as const;
  return statusLines(input, { width: 100 }).join("\n");
}

/** What a supervisor's status has before the table. */
function exampleSupervisor(): string {
  const input = { reply: reply({ symbols: [] }), url: "nats://127.0.0.1:4222", grants: null };
  const lines = supervisorLines(input, { width: 100 });
  return [...lines.slice(0, lines.indexOf("")), "…"].join("\n");
}
