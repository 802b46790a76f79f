"""A name on the bus, by the NATS Services API: so that a second gateway sees the first, and does not start."""
from __future__ import annotations

import json
import os
import queue
import secrets
import socket
from datetime import datetime, timezone

from nats_wire import Connection, Handler, Message, NatsError

FIRST_WAIT_SECONDS = 1.0
SECOND_WAIT_SECONDS = 0.25


class Claimed(NatsError):
    """Somebody else answers to the name."""


def claim(connection: Connection, name: str, version: str, description: str, mode: str) -> None:
    """Answers to `name` from now on. Raises Claimed where somebody does already.

    Asked again once the name is taken: of two that start at the same moment at least one sees the other.
    """
    if _others(connection, name, "", FIRST_WAIT_SECONDS):
        raise Claimed(f"another {name} is on this bus; two of them would act on the same orders: stop one")
    own = secrets.token_hex(11)
    identity = {
        **{"name": name, "id": own, "version": version},
        "metadata": {"mode": mode, "pid": str(os.getpid()), "host": socket.gethostname()},
    }
    more: dict[str, dict[str, object]] = {
        "PING": {},
        "INFO": {"description": description, "endpoints": []},
        "STATS": {"started": datetime.now(timezone.utc).isoformat(), "endpoints": []},
    }
    for verb, fields in more.items():
        answer = {"type": f"io.nats.micro.v1.{verb.lower()}_response", **identity, **fields}
        for subject in (f"$SRV.{verb}", f"$SRV.{verb}.{name}", f"$SRV.{verb}.{name}.{own}"):
            connection.subscribe(subject, _answerer(connection, json.dumps(answer).encode()))
    connection.flush()
    if _others(connection, name, own, SECOND_WAIT_SECONDS):
        raise Claimed(f"another {name} came to this bus at the same moment: stop one")


def _answerer(connection: Connection, answer: bytes) -> Handler:
    def reply(message: Message) -> None:
        if message.reply:
            connection.publish(message.reply, answer)

    return reply


def _others(connection: Connection, name: str, own: str, seconds: float) -> bool:
    """Whether anybody but oneself answers in time. Where nobody listens the server says so at once."""
    answers: queue.Queue[Message] = queue.Queue()
    reply = f"{connection.inbox}.ping"
    sid = connection.subscribe(reply, answers.put)
    try:
        connection.publish(f"$SRV.PING.{name}", reply=reply)
        while True:
            answer = answers.get(timeout=seconds)
            if answer.status == 503:
                return False
            if own == "" or own not in answer.data.decode("utf-8", errors="replace"):
                return True
    except queue.Empty:
        return False
    finally:
        connection.unsubscribe(sid)
