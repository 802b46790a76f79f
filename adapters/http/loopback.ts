// Which addresses and names mean this machine only.

/** Whether nobody but this machine can reach a server on `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.[0-9]{1,3}){3}$/.test(host);
}

/** Whether the `Host` header of a request names this machine. One without the header comes from no browser, and passes. */
export function isNamedLocally(header: string | undefined): boolean {
  if (header === undefined) return true;
  const name = header.toLowerCase().replace(/:[0-9]*$/, "");
  return isLoopback(name.replace(/^\[(.*)\]$/, "$1"));
}
