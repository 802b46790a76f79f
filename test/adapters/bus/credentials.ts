// What a test of a guarded NATS server needs: certificates made by openssl, and a JWT for each party made by hand.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";

/** A certificate and its key, in PEM, and the paths of both. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Makes an authority in `dir` that signs certificates for servers and clients. */
export function makeAuthority(
  dir: string,
  name: string,
): Certificate & {
  /** A server on 127.0.0.1, unless `subjectAltName` says otherwise; a client just as well. */
  sign(subject: string, subjectAltName?: string): Certificate;
} {
  const path = (file: string): string => join(dir, `${name}-${file}`);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  };
  const pair = (subject: string): Certificate => {
    const [certFile, keyFile] = [path(`${subject}.pem`), path(`${subject}.key`)];
    return {
      certFile,
      keyFile,
      cert: readFileSync(certFile, "utf8"),
      key: readFileSync(keyFile, "utf8"),
    };
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    ...["req", "-x509", ...newKey, "-days", "2", "-subj", `/CN=${name}`],
    ...["-keyout", path("ca.key"), "-out", path("ca.pem")],
  );
  return {
    ...pair("ca"),
    sign(subject, subjectAltName = "IP:127.0.0.1") {
      openssl(
        ...["req", ...newKey, "-subj", `/CN=${subject}`],
        ...["-keyout", path(`${subject}.key`), "-out", path(`${subject}.csr`)],
      );
      writeFileSync(path("ext"), `subjectAltName=${subjectAltName}\n`);
      openssl(
        ...["x509", "-req", "-days", "2", "-in", path(`${subject}.csr`), "-extfile", path("ext")],
        ...[
          "-CA",
          path("ca.pem"),
          "-CAkey",
          path("ca.key"),
          "-CAcreateserial",
          "-out",
          path(`${subject}.pem`),
        ],
      );
      return pair(subject);
    },
  };
}

/** A server's configuration with an operator and an account, and the credentials of a user of it. */
export function makeCredentials(): { readonly config: string; readonly creds: string } {
  const [operator, system] = [nkeys.createOperator(), nkeys.createAccount()];
  const [account, user] = [nkeys.createAccount(), nkeys.createUser()];
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const ofAccount = {
    limits: { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true },
    default_permissions: { pub: {}, sub: {} },
  };
  const preload = [account, system].map((one) => {
    const name = one.getPublicKey();
    return `${name}: ${jwt(operator, name, "account", ofAccount)}`;
  });
  const userJwt = jwt(account, user.getPublicKey(), "user", { pub: {}, sub: {}, ...unlimited });
  const seed = new TextDecoder().decode(user.getSeed());
  return {
    config: [
      `operator: ${jwt(operator, operator.getPublicKey(), "operator", {})}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      `resolver_preload: { ${preload.join(", ")} }`,
    ].join("\n"),
    creds: [
      "-----BEGIN NATS USER JWT-----",
      userJwt,
      "------END NATS USER JWT------",
      "-----BEGIN USER NKEY SEED-----",
      seed,
      "------END USER NKEY SEED------",
      "",
    ].join("\n"),
  };
}

function jwt(signer: nkeys.KeyPair, subject: string, type: string, nats: object): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: signer.getPublicKey(),
    sub: subject,
    name: type,
    nats: { ...nats, type, version: 2 },
  };
  const jti = createHash("sha256").update(JSON.stringify(claims)).digest("hex");
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part({ jti, ...claims })}`;
  const signature = signer.sign(new TextEncoder().encode(head));
  return `${head}.${Buffer.from(signature).toString("base64url")}`;
}
