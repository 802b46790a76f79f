// The kinds of credentials a NATS server may ask for, and how to see that a text is one without showing it.

/** Keys of `nats` in app.yaml that hold a credential, or where it is. */
export const credentialNames = [
  "user",
  "password",
  "token",
  "nkey",
  "creds",
  "tls_ca",
  "tls_cert",
  "tls_key",
] as const;
export type Credential = (typeof credentialNames)[number];

/** The ways to say who one is; a connection has one of them, or none. */
export const identities = ["user", "token", "nkey", "creds"] as const;
export type Identity = (typeof identities)[number];
export const partsOf: { readonly [I in Identity]: readonly Credential[] } = {
  user: ["user", "password"],
  token: ["token"],
  nkey: ["nkey"],
  creds: ["creds"],
};

/** What stands in its place wherever it is printed, and how many lines it may have. */
export function wantedOf(name: Credential): { readonly label: string; readonly lines: "one" | "many" } {
  return { label: `nats.${name}`, lines: manyLines.has(name) ? "many" : "one" };
}

/** What is wrong with a credential, without a word of it; null when it looks like one. */
export function malformed(
  name: Credential,
  text: string,
): { readonly expected: string; readonly advice: string } | null {
  if (name === "tls_key" && encryptedKey.test(text))
    return {
      expected: "leads to a private key under a passphrase, which nobody is there to type",
      advice: "give one without, readable by this user alone: openssl pkey -in KEY -out PLAIN_KEY",
    };
  const missing = forms[name]?.find(({ pattern }) => !pattern.test(text));
  if (missing === undefined) return null;
  return { expected: `leads to something without ${missing.what}`, advice: "correct what it leads to" };
}

interface Form {
  readonly pattern: RegExp;
  readonly what: string;
}
const certificate: Form = {
  pattern: /-----BEGIN (TRUSTED )?CERTIFICATE-----/,
  what: "a certificate in PEM (-----BEGIN CERTIFICATE-----)",
};
const forms: { readonly [C in Credential]?: readonly Form[] } = {
  nkey: [
    { pattern: /^SU[A-Z2-7]{56}$/, what: "the seed of a user's nkey (58 characters that begin with SU)" },
  ],
  creds: [
    { pattern: /-----BEGIN NATS USER JWT-----/, what: "a user's JWT (-----BEGIN NATS USER JWT-----)" },
    { pattern: /-----BEGIN USER NKEY SEED-----/, what: "a user's seed (-----BEGIN USER NKEY SEED-----)" },
  ],
  tls_ca: [certificate],
  tls_cert: [certificate],
  tls_key: [
    {
      pattern: /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/,
      what: "a private key in PEM (-----BEGIN PRIVATE KEY-----)",
    },
  ],
};
const manyLines: ReadonlySet<Credential> = new Set(["creds", "tls_ca", "tls_cert", "tls_key"]);
const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;
