#!/bin/sh
# Builds go/watch.go with Debian's packages, runs it beside watch.py on a paper run, and compares what the two have seen.
# Not in the gate: it needs
#   apt-get install golang-go golang-github-nats-io-go-nats-dev golang-github-vmihailenco-msgpack.v5-dev
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
url=nats://127.0.0.1:${PORT:-14222}
started=""
finish() {
  for pid in $started; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# The packages bring sources, not modules.
(cd "$here/go" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$work/cache" go build -o "$work/watch" watch.go)

"${NATS_SERVER:-nats-server}" -a 127.0.0.1 -p "${PORT:-14222}" --jetstream --store_dir "$work/store" >"$work/server" 2>&1 &
started="$started $!"
cd "$top"
npx purgatory run --nats "$url" --state "$work/state" --cycles 10 --speed 60 >"$work/run" ||
  { cat "$work/run" "$work/server"; exit 1; }
"$work/watch" -nats "$url" >"$work/go" &
started="$started $!"
python3 -B "$here/python/watch.py" --nats "$url" >"$work/python" &
started="$started $!"

# The same steps, the same lines but for spaces: both are read as JSON.
python3 - "$work/go" "$work/python" <<'PYTHON'
import json, sys, time
from pathlib import Path

def lines(path):
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")]

until = time.monotonic() + 30
while True:
    seen = [lines(path) for path in sys.argv[1:]]
    if seen[0] and seen[0] == seen[1]:
        print(f"watch.go and watch.py have seen the same {len(seen[0])} steps")
        sys.exit(0)
    if time.monotonic() > until:
        sys.exit(f"watch.go has seen {len(seen[0])} steps, watch.py {len(seen[1])}, and they are not the same")
    time.sleep(0.2)
PYTHON
