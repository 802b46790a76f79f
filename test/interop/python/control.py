"""Asks the supervisor on the bus, or tells it what to do; prints its answer as JSON.

    python3 control.py --nats nats://127.0.0.1:4222 status
    python3 control.py pause BONK-USD --by ana --reason "listing under review"

Exit codes: 0 done, 1 no usable answer, 6 refused: the answer then is the service's `code` and `message`.
"""
from __future__ import annotations

import argparse
import json
import sys

import protocol
from nats_wire import Message, NatsError, NoResponders, connect
from protocol import Body, Unreadable

OPERATIONS = ("status", "symbol", "purge", "pause", "resume", "reset", "ban", "abort")


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("operation", choices=OPERATIONS)
    options.add_argument("symbol", nargs="?")
    options.add_argument("--by", help="who asks")
    options.add_argument("--reason")
    options.add_argument("--nats", default="nats://127.0.0.1:4222", metavar="URL")
    options.add_argument("--format", choices=("json", "msgpack"), default="json", help="of question and answer")
    given = options.parse_args()
    body: Body = {name: getattr(given, name) for name in ("symbol", "by", "reason") if getattr(given, name) is not None}
    try:
        connection = connect(given.nats, "control.py", 5.0)
        subject = f"{protocol.PREFIX}.control.{given.operation}"
        answer = connection.request(
            subject, protocol.encode(body, given.format), protocol.headers_for(given.format), seconds=35.0
        )
        connection.close()
        return tell(answer)
    except NoResponders:
        print("no supervisor is on this bus", file=sys.stderr)
    except (NatsError, Unreadable) as error:
        print(error, file=sys.stderr)
    return 1


def tell(answer: Message) -> int:
    """Whether it was refused stands in a header: the body alone does not say."""
    code, sentence = answer.header("Nats-Service-Error-Code"), answer.header("Nats-Service-Error")
    print(json.dumps(protocol.decode(answer)))
    if code is None:
        return 0
    print(f"{code}: {sentence}", file=sys.stderr)
    return 6


if __name__ == "__main__":
    sys.exit(main())
