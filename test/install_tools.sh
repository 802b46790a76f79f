#!/bin/sh
# Sees to it that the tests have what npm cannot bring: a nats-server (the one that NATS_SERVER names, one on the PATH, or
# else Debian's package), a Python 3 for the programs in test/interop, openssl for certificates, and ps for looking at
# processes (those on the PATH, or else Debian's).
set -eu

give_up() {
  echo "$1" >&2
  echo "The tests need a nats-server, 2.9 or newer, a python3, 3.10 or newer, openssl and ps. Install what is missing" >&2
  echo "(Debian and Ubuntu: apt-get install nats-server python3 openssl procps; macOS: brew install nats-server python;" >&2
  echo "others: https://github.com/nats-io/nats-server/releases and https://www.python.org/downloads), then run" >&2
  echo "this again; a nats-server that is not on the PATH can be named by NATS_SERVER." >&2
  exit 1
}

# Debian's packages that are missing.
missing=""
if [ -n "${NATS_SERVER:-}" ]; then
  if ! [ -f "$NATS_SERVER" ] || ! [ -x "$NATS_SERVER" ]; then
    give_up "NATS_SERVER is $NATS_SERVER, which is no program that can be run."
  fi
elif ! command -v nats-server >/dev/null; then
  missing="nats-server"
fi
for program in python3 openssl ps; do
  command -v "$program" >/dev/null || missing="${missing:+$missing }$program"
done
if [ -n "$missing" ]; then
  command -v apt-get >/dev/null || give_up "Not on the PATH: $missing. And there is no apt-get to install it with."

  # What runs a command as root: nothing when this is root already.
  as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo -n"
    command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
      give_up "Not on the PATH: $missing. Installing it needs root, or a sudo that asks for no password."
  fi

  echo "Not on the PATH: $missing. Installing it from Debian's packages, for the tests." >&2
  $as_root apt-get update -qq >&2 || give_up "apt-get update failed; what it said is above."
  packages=""
  for program in $missing; do
    [ "$program" = ps ] && program=procps
    packages="${packages:+$packages }$program"
  done
  # Unquoted: one word for each package.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >&2 ||
    give_up "apt-get install $missing failed; what it said is above."
  for program in $missing; do
    command -v "$program" >/dev/null || give_up "$program was installed, and still is not on the PATH ($PATH)."
  done
fi

# Where it cannot be installed in a newer version from here, this says so before a hundred tests do.
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
  give_up "The python3 on the PATH is older than 3.10, or does not run."
