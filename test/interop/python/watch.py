"""Shows what every symbol goes through, from the first step that the bus still keeps: a line of JSON for each.

    python3 watch.py --nats nats://127.0.0.1:4222

It reads with a consumer of its own, so nobody is disturbed. A user who may not make consumers (the `observer` of the
shipped server configuration) adds `--by-sequence`: then each message is asked for by its number.
"""
from __future__ import annotations

import argparse
import base64
import json
import queue
import signal
import sys
from collections.abc import Iterator

import protocol
from jetstream import ApiError, api, follow
from nats_wire import Connection, Disconnected, Message, NatsError, Timeout, connect, read_headers
from protocol import Unreadable

STREAM = "PURGE_TRANSITIONS"
NO_MESSAGE = 10037


def by_consumer(connection: Connection, subject: str) -> Iterator[tuple[int, Message]]:
    for delivery in follow(connection, STREAM, subject):
        yield delivery.sequence, delivery.message


def by_sequence(connection: Connection, subject: str) -> Iterator[tuple[int, Message]]:
    """Asks for one message after the other; that there is a new one is heard on the subject itself."""
    news: queue.Queue[Message] = queue.Queue()
    connection.subscribe(subject, news.put)
    sequence = 1
    while True:
        try:
            answer = api(connection, f"STREAM.MSG.GET.{STREAM}", {"seq": sequence, "next_by_subj": subject})
        except (Disconnected, Timeout):
            continue
        except ApiError as error:
            if error.code != NO_MESSAGE:
                raise
            try:
                news.get(timeout=5.0)
            except queue.Empty:
                pass
            continue
        stored = answer["message"]
        assert isinstance(stored, dict)
        _, headers = read_headers(base64.b64decode(stored.get("hdrs", "")))
        data = base64.b64decode(stored.get("data", ""))
        yield int(stored["seq"]), Message(str(stored["subject"]), data, headers=headers)
        sequence = int(stored["seq"]) + 1


def show(sequence: int, message: Message) -> dict[str, object]:
    """`seq` is the ledger's, `sequence` the stream's."""
    body = protocol.decode(message)
    event = body.get("event")
    return {
        **{name: body.get(name) for name in ("ledger_id", "seq", "at", "symbol")},
        "event": event.get("type") if isinstance(event, dict) else None,
        **{name: body.get(name) for name in ("path", "state")},
        "sequence": sequence,
    }


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("--nats", default="nats://127.0.0.1:4222", metavar="URL")
    options.add_argument("--symbol", default="*", help="one symbol; else all")
    options.add_argument("--by-sequence", action="store_true", help="without a consumer")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    read = by_sequence if given.by_sequence else by_consumer
    try:
        connection = connect(given.nats, "watch.py", 30.0)
        for sequence, message in read(connection, f"{protocol.PREFIX}.transitions.{given.symbol}"):
            try:
                print(json.dumps(show(sequence, message)), flush=True)
            except Unreadable as problem:
                print(f"message {sequence} cannot be read: {problem}", file=sys.stderr, flush=True)
        return 0
    except KeyboardInterrupt:
        return 0
    except NatsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
