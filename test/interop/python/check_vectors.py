"""Holds this codec to the vectors of the protocol. Prints one JSON document: what was wrong, and what was refused.

    python3 check_vectors.py vectors.json refused.json
"""
from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from msgpack_lite import pack, unpack
from nats_wire import Message
from protocol import Unreadable, decode, headers_for, result_id

SPOILED_EACH = 200


def problems_with(vector: dict[str, Any]) -> list[str]:
    """What a vector's bytes are not read as, or are not written as."""
    packed = bytes.fromhex(vector["msgpack_hex"])
    problems = []
    if unpack(packed) != vector["body"]:
        problems.append("is read as something else")
    # A map may be written in any order, and a number in any width: so what was written is read again.
    if unpack(pack(vector["body"])) != vector["body"]:
        problems.append("is not what was written")
    if len(pack(vector["body"])) > len(packed):
        problems.append("could be written in less")
    for kind, data in (("msgpack", packed), ("json", json.dumps(vector["body"]).encode())):
        headers = {"content-type": f"application/{kind}; charset=utf-8", "schema-version": "1"}
        if decode(Message(vector["subject"], data, headers=headers)) != vector["body"]:
            problems.append(f"is read as something else in {kind}")
    if vector["channel"] == "results" and result_id(vector["body"]) != vector["message_id"]:
        problems.append(f"has the id {result_id(vector['body'])}")
    return [f"{vector['name']} {problem}" for problem in problems]


def refuses(entry: dict[str, Any]) -> bool:
    message = Message(entry["subject"], bytes.fromhex(entry["body_hex"]), headers=entry["headers"])
    try:
        decode(message)
        return False
    except Unreadable:
        return True


def spoiled(packed: bytes, dice: random.Random) -> list[bytes]:
    """Every beginning of a message, and the message with bytes changed."""
    changed = []
    for _ in range(SPOILED_EACH):
        data = bytearray(packed)
        for _ in range(dice.randint(1, 3)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        changed.append(bytes(data))
    return [packed[:length] for length in range(len(packed))] + changed


def survives(data: bytes) -> bool:
    """Whatever the bytes are, they are read or refused."""
    try:
        decode(Message("purge.v1.results.A-USD", data, headers=headers_for("msgpack")))
    except Unreadable:
        pass
    except Exception:
        return False
    return True


def main(vectors: str, refused: str) -> None:
    known = json.loads(Path(vectors).read_text("utf-8"))
    hostile = json.loads(Path(refused).read_text("utf-8"))
    dice = random.Random(1)
    noise = [data for vector in known for data in spoiled(bytes.fromhex(vector["msgpack_hex"]), dice)]
    report = {
        "tried": len(known),
        "problems": [problem for vector in known for problem in problems_with(vector)],
        "spoiled": len(noise),
        "crashes": [data.hex() for data in noise if not survives(data)],
        # What only a schema finds is for the schema; this is what no body may be.
        "taken": [entry["name"] for entry in hostile if not refuses(entry)],
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
