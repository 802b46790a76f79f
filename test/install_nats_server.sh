#!/bin/sh
# Sees to it that the tests have a nats-server: the one that NATS_SERVER names, one on the PATH, or else Debian's package.
set -eu

give_up() {
  echo "$1" >&2
  echo "The tests need a nats-server, 2.9 or newer. Install one (Debian and Ubuntu: apt-get install nats-server;" >&2
  echo "macOS: brew install nats-server; others: https://github.com/nats-io/nats-server/releases), then run this" >&2
  echo "again; or set NATS_SERVER to its path." >&2
  exit 1
}

if [ -n "${NATS_SERVER:-}" ]; then
  [ -f "$NATS_SERVER" ] && [ -x "$NATS_SERVER" ] && exit 0
  give_up "NATS_SERVER is $NATS_SERVER, which is no program that can be run."
fi
command -v nats-server >/dev/null && exit 0
command -v apt-get >/dev/null || give_up "There is no nats-server on the PATH, and no apt-get to install it with."

# What runs a command as root: nothing when this is root already.
as_root=""
if [ "$(id -u)" -ne 0 ]; then
  as_root="sudo -n"
  command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
    give_up "There is no nats-server on the PATH, and installing it needs root or a sudo that asks for no password."
fi

echo "There is no nats-server on the PATH: installing Debian's package, for the tests." >&2
$as_root apt-get update -qq >&2 || give_up "apt-get update failed; what it said is above."
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nats-server >&2 ||
  give_up "apt-get install nats-server failed; what it said is above."
command -v nats-server >/dev/null || give_up "nats-server was installed, and still is not on the PATH ($PATH)."
