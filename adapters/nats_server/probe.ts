// Whether a server really answers: a few words of the NATS protocol over a socket, up to an answer of JetStream.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";

export interface Expected {
  readonly host: string;
  readonly port: number;
  /** The name that this very server was given: the token is told to no other. */
  readonly name: string;
  readonly token: string;
}

const ANSWER_MS = 2_000;
const MAX_BYTES = 64 * 1024;

/** Null when the server and its JetStream have answered; else what was missing. Never rejects. */
export function probe({ host, port, name, token }: Expected): Promise<string | null> {
  const inbox = `_INBOX.${randomBytes(8).toString("hex")}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (problem: string | null): void => {
      socket.destroy();
      resolve(problem);
    };
    let text = "";
    let isGreeted = false;
    socket.setTimeout(ANSWER_MS, () => settle(`no answer within ${ANSWER_MS} ms`));
    socket.on("error", (error) => settle(error.message));
    socket.on("close", () => settle("it closed the connection"));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.length > MAX_BYTES) return settle("it says more than it was asked");
      const refusal = /^-ERR .*$/m.exec(text)?.[0];
      if (refusal !== undefined) return settle(refusal);
      if (!isGreeted) {
        const info = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1];
        if (info === undefined) return;
        if (nameIn(info) !== name) return settle(`another server listens on port ${port}`);
        isGreeted = true;
        const options = {
          verbose: false,
          pedantic: false,
          auth_token: token,
          lang: "purgatory",
          version: "1",
        };
        const hello = `CONNECT ${JSON.stringify({ ...options, protocol: 1, headers: true, no_responders: true })}\r\n`;
        socket.write(`${hello}SUB ${inbox} 1\r\nPUB $JS.API.INFO ${inbox} 0\r\n\r\n`);
        return;
      }
      const answer = answerIn(text, inbox);
      if (answer !== null) settle(answer.includes('"error"') ? `JetStream does not answer: ${answer}` : null);
    });
  });
}

function nameIn(info: string): unknown {
  try {
    return JSON.parse(info).server_name;
  } catch {
    return null;
  }
}

/** The body of the reply, when all of it is there. */
function answerIn(text: string, inbox: string): string | null {
  const head = new RegExp(`^H?MSG ${inbox.replace(".", "\\.")} 1 (?:\\d+ )?(\\d+)\\r\\n`, "m").exec(text);
  if (head === null) return null;
  const from = head.index + head[0].length;
  const length = Number(head[1]);
  if (text.length < from + length) return null;
  // Headers come only with the word that nobody answers.
  return head[0].startsWith("H") ? '"error": no responders' : text.slice(from, from + length);
}
