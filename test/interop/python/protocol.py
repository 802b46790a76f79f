"""The protocol of docs/protocol.md: bodies to bytes and back, headers, ids, dead letters, a gateway's commands."""
from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal

from msgpack_lite import DEPTH_MAX, MsgpackError, Plain, pack, unpack
from nats_wire import Message

PREFIX = "purge.v1"
BODY_BYTES_MAX = 1024 * 1024
DEAD_BYTES_MAX = 512 * 1024
DEAD_HEADERS_MAX = 32

SYMBOL = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{2,10}")
AMOUNT = re.compile(r"(0|[1-9][0-9]{0,29})(\.[0-9]{1,30})?")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
#: What may stand in a message id as it is.
PLAIN_PART = re.compile(r"[A-Za-z0-9_.:-]{0,100}")

FORMATS = {
    "application/json": "json",
    **dict.fromkeys(("application/msgpack", "application/x-msgpack", "application/vnd.msgpack"), "msgpack"),
}
CONTENT_TYPES = {"json": "application/json", "msgpack": "application/msgpack"}

Body = dict[str, Plain]


class Unreadable(ValueError):
    """A message that has to be set aside, and why."""


class _Clock:
    """Gives no millisecond twice, and never goes back.

    `at` is part of the message ids: two answers about one order in the same millisecond would pass for one message, and
    the stream would drop the second.
    """

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        with self._lock:
            self._last = max(time.time_ns() // 1_000_000, self._last + 1)
            return self._last


_CLOCK = _Clock()


def now_text() -> str:
    """Now, in RFC 3339 and UTC; each call gives a later time than the one before."""
    seconds, milliseconds = divmod(_CLOCK.next(), 1000)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def decimal_text(value: Decimal) -> str:
    """Plain notation: `Decimal` itself writes small ones as 1E-8."""
    return format(value, "f")


# --- bodies


def encode(body: Body, kind: str) -> bytes:
    return pack(body) if kind == "msgpack" else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def decode(message: Message) -> Body:
    """Raises Unreadable for whatever every receiver has to set aside, before it looks at a single field."""
    version = message.header("Schema-Version")
    if version != "1":
        raise Unreadable(f"header Schema-Version is {version!r}; expected 1")
    content_type = message.header("Content-Type")
    kind = FORMATS.get((content_type or "").split(";", 1)[0].strip().lower())
    if kind is None:
        raise Unreadable(f"header Content-Type is {content_type!r}; expected application/msgpack or application/json")
    body = decode_plain(message.data, kind)
    if not isinstance(body, dict):
        raise Unreadable("the body is no map")
    return body


def decode_plain(data: bytes, kind: str) -> Plain:
    if len(data) > BODY_BYTES_MAX:
        raise Unreadable(f"the body has {len(data)} bytes; at most {BODY_BYTES_MAX} are read")
    try:
        value: Plain = unpack(data) if kind == "msgpack" else json.loads(data.decode("utf-8-sig", errors="replace"))
    except (MsgpackError, ValueError, RecursionError) as error:
        raise Unreadable(f"the body is not {'MessagePack' if kind == 'msgpack' else 'JSON'}: {error}") from error
    return _plain(value, DEPTH_MAX)


def _plain(value: Plain, depth: int) -> Plain:
    """Python's JSON takes NaN, 1e999, and text that no encoding can carry."""
    if isinstance(value, str):
        return _well_formed(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable(f"the body has the number {value}")
    if isinstance(value, bytes):
        raise Unreadable("the body has binary data in it")
    if not isinstance(value, (list, dict)):
        return value
    if depth == 0:
        raise Unreadable(f"the body is nested deeper than {DEPTH_MAX}")
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    if "__proto__" in value:
        raise Unreadable("the body has a key named __proto__")
    return {_well_formed(key): _plain(item, depth - 1) for key, item in value.items()}


def _well_formed(text: str) -> str:
    """Joins halves of a character that were escaped apart, and puts U+FFFD for a half that stands alone."""
    return text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")


# --- what is sent


def message_id(*parts: str) -> str:
    """Of the same message always the same, and none of another: made from what tells them apart."""
    return "/".join(part if PLAIN_PART.fullmatch(part) else _digest(part) for part in parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]


def headers_for(kind: str, msg_id: str | None = None, mode: str | None = None) -> dict[str, str]:
    headers = {"Content-Type": CONTENT_TYPES[kind], "Schema-Version": "1"}
    if msg_id is not None:
        headers["Nats-Msg-Id"] = msg_id
    if mode is not None:
        headers["Purge-Mode"] = mode
    return headers


def result_id(body: Body) -> str:
    """The `Nats-Msg-Id` of a result."""
    own = {
        "market.snapshot": ("symbol", "request_id"),
        "market.unavailable": ("symbol", "request_id"),
        "order.update": ("client_order_id", "revision", "status"),
        "order.unknown": ("client_order_id", "outcome"),
    }.get(str(body["type"]), ("client_order_id",))
    return message_id(str(body["type"]), *(str(body[name]) for name in own), str(body["at"]))


def dead_letter(message: Message, reason: str) -> tuple[str, Body, str]:
    """Subject, body and id under which a message is set aside."""
    symbol = message.subject.rsplit(".", 1)[-1]
    at = now_text()
    if len(message.data) > DEAD_BYTES_MAX:
        reason = f"{reason} (of {len(message.data)} bytes the first {DEAD_BYTES_MAX} are kept)"
    body: Body = {
        "at": at,
        "subject": message.subject,
        "reason": _well_formed(reason)[:500],
        "body_base64": base64.b64encode(message.data[:DEAD_BYTES_MAX]).decode(),
        "headers": dict(list(message.headers.items())[:DEAD_HEADERS_MAX]),
    }
    content = _digest(json.dumps([body["reason"], body["body_base64"], body["headers"]]))
    to = symbol if SYMBOL.fullmatch(symbol) else "_"
    return f"{PREFIX}.dead.{to}", body, message_id("dead", message.subject, at, content)


# --- what a gateway is told


@dataclass(frozen=True)
class MarketRefresh:
    symbol: str
    request_id: str


@dataclass(frozen=True)
class OrderPlace:
    symbol: str
    client_order_id: str
    kind: str
    base_size: Decimal
    limit_price: Decimal


@dataclass(frozen=True)
class OrderCancel:
    symbol: str
    client_order_id: str


@dataclass(frozen=True)
class OrderQuery:
    symbol: str
    client_order_id: str


Command = MarketRefresh | OrderPlace | OrderCancel | OrderQuery


def read_command(message: Message, mode: str) -> Command:
    """What an order of `purge.v1.orders.*` asks for. Raises Unreadable."""
    body = decode(message)
    _check_mode(message, mode)
    symbol = _text(body, "symbol", SYMBOL)
    if message.subject != f"{PREFIX}.orders.{symbol}":
        raise Unreadable(f"the body belongs under {PREFIX}.orders.{symbol}")
    kind = body.get("type")
    if kind == "market.refresh":
        return MarketRefresh(symbol, _text(body, "request_id"))
    if kind == "order.place":
        return _read_place(symbol, body.get("order"))
    if kind == "order.cancel":
        return OrderCancel(symbol, _text(body, "client_order_id", UUID))
    if kind == "order.query":
        return OrderQuery(symbol, _text(body, "client_order_id", UUID))
    raise Unreadable(f"type is {kind!r}; expected market.refresh, order.place, order.cancel or order.query")


def read_question(message: Message, mode: str) -> str:
    """The `request_id` of a holdings.refresh. Raises Unreadable."""
    body = decode(message)
    _check_mode(message, mode)
    if body.get("type") != "holdings.refresh":
        raise Unreadable(f"type is {body.get('type')!r}; expected holdings.refresh")
    return _text(body, "request_id")


def _read_place(symbol: str, order: Plain) -> OrderPlace:
    if not isinstance(order, dict):
        raise Unreadable("order is no map")
    if order.get("symbol") != symbol:
        raise Unreadable(f"order.symbol is {order.get('symbol')!r}; expected {symbol}")
    if order.get("side") != "SELL":
        raise Unreadable(f"order.side is {order.get('side')!r}; expected SELL")
    if order.get("kind") not in ("post_only", "ioc"):
        raise Unreadable(f"order.kind is {order.get('kind')!r}; expected post_only or ioc")
    return OrderPlace(
        symbol=symbol,
        client_order_id=_text(order, "client_order_id", UUID),
        kind=str(order["kind"]),
        base_size=_amount(order, "base_size"),
        limit_price=_amount(order, "limit_price"),
    )


def _check_mode(message: Message, mode: str) -> None:
    named = message.header("Purge-Mode")
    if named is not None and named != mode:
        raise Unreadable(f"header Purge-Mode is {named!r}, and this gateway runs in mode {mode}")


def _text(body: Mapping[str, Plain], field: str, pattern: re.Pattern[str] | None = None) -> str:
    value = body.get(field)
    if not isinstance(value, str):
        raise Unreadable(f"{field} is {value!r}; expected text")
    if pattern is not None and not pattern.fullmatch(value):
        raise Unreadable(f"{field} is {value!r}; expected {pattern.pattern}")
    return value


def _amount(body: Mapping[str, Plain], field: str) -> Decimal:
    return Decimal(_text(body, field, AMOUNT))
