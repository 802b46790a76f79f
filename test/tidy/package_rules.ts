// What package.json and .npmrc promise about an installation.
import * as Schema from "effect/Schema";
import type { Problem } from "./source.ts";

const Versions = Schema.Record(Schema.String, Schema.String);
const PackageFile = Schema.fromJsonString(
  Schema.Struct({
    engines: Schema.Struct({ node: Schema.String }),
    scripts: Versions,
    allowScripts: Schema.Record(Schema.String, Schema.Boolean),
    dependencies: Versions,
    devDependencies: Versions,
  }),
);
export type PackageFile = typeof PackageFile.Type;

/** @throws Error when package.json lacks one of the fields that the rules look at */
export const readPackage = Schema.decodeUnknownSync(PackageFile);

const LockFile = Schema.fromJsonString(
  Schema.Struct({
    packages: Schema.Record(
      Schema.String,
      Schema.Struct({
        version: Schema.optional(Schema.String),
        resolved: Schema.optional(Schema.String),
        optionalDependencies: Schema.optional(Versions),
      }),
    ),
  }),
);
export type LockFile = typeof LockFile.Type;
export const readLock = Schema.decodeUnknownSync(LockFile);

const problem = (message: string): Problem => ({ path: "package.json", line: null, message });

/** Every dependency is of one version, so that two installations a year apart are the same. */
export function exactVersions({ dependencies, devDependencies }: PackageFile): readonly Problem[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    .map(([name, version]) => problem(`${name} is "${version}"; pin one version, such as 1.2.3`));
}

/** An install script that may run, or may not, is named with the version that the lockfile installs. */
export function scriptsOfInstalled({ allowScripts }: PackageFile, lock: LockFile): readonly Problem[] {
  return Object.keys(allowScripts).flatMap((spec) => {
    const at = spec.lastIndexOf("@");
    const [name, version] = [spec.slice(0, at), spec.slice(at + 1)];
    const installed = lock.packages[`node_modules/${name}`]?.version;
    if (installed === version) return [];
    return [
      problem(`allowScripts names ${spec}, and the lockfile installs ${name} ${installed ?? "not at all"}`),
    ];
  });
}

/** The lockfile says what to install, not from where: that is for the reader's own npm to know. */
export function lockWithoutHosts(lock: LockFile): readonly Problem[] {
  return Object.entries(lock.packages).flatMap(([name, { resolved }]) =>
    resolved === undefined || !/^https?:/.test(resolved)
      ? []
      : [{ path: "package-lock.json", line: null, message: `${name} is resolved to ${resolved}` }],
  );
}

/** The lockfile lists the packages of every system, not only of the one that it was made on: `npm ci` refuses one that
 * leaves some out, on any system. */
export function lockForEverySystem(lock: LockFile): readonly Problem[] {
  const listed = Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ""));
  const names = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  return names
    .filter((name) => !listed.includes(name))
    .map((name) => ({
      path: "package-lock.json",
      line: null,
      message: `${name} is optional, and not listed`,
    }));
}

/** The Node that runs is the one that package.json names. The lockfile cannot say so: it does not list the package with
 * the binary, which the install script of `node` fetches. */
export function nodeThatRuns({ devDependencies }: PackageFile, running: string): readonly Problem[] {
  const wanted = `v${devDependencies["node"] ?? "?"}`;
  if (running === wanted) return [];
  return [
    problem(`node is ${wanted}, and ${running} runs; remove node_modules and install again with npm ci`),
  ];
}
