"""A gateway: takes orders off the bus, has an exchange carry them out, and says what became of them.

    purgatory run --nats nats://127.0.0.1:4222 --gateway external
    python3 gateway.py --nats nats://127.0.0.1:4222 --exchange exchange.json

The exchange is one in memory (exchange.py): it ends with this program. The rest is what any gateway has to do, in the
order of docs/protocol.md, "Your own gateway".
"""
from __future__ import annotations

import argparse
import json
import queue
import signal
import sys
import time
from collections import deque
from decimal import Decimal
from pathlib import Path
from typing import Any

import protocol
from exchange import FINAL, Exchange, Order, Refused, rejection
from jetstream import ApiError, Delivery, Pull, ack, publish, put_back, terminate
from nats_wire import Connection, Disconnected, Message, NatsError, Timeout, connect
from protocol import Body, MarketRefresh, OrderCancel, OrderPlace, OrderQuery, Unreadable, decimal_text, now_text
from services import Claimed, claim

NAME = "purgatory-gateway"
#: Its machine asks again after 60 s: what is begun later than this could be told too late.
COMMAND_SECONDS = 40.0
#: Less than the 15 s after which a command comes again.
PUBLISH_SECONDS = 10.0
IDLE_SECONDS = 0.5


class Gateway:
    """All of it runs on one thread: so the commands of a symbol are carried out in order, one after the other."""

    def __init__(self, connection: Connection, exchange: Exchange, mode: str, kind: str) -> None:
        self._connection, self._exchange, self._mode, self._kind = connection, exchange, mode, kind
        self._inbox: queue.Queue[Message] = queue.Queue()
        self._pull = Pull(connection, "PURGE_ORDERS", "gateway", self._inbox)
        connection.subscribe(f"{protocol.PREFIX}.account", self._inbox.put)
        #: What was asked for under each id: the same id with another body is a mistake of the sender.
        self._asked: dict[str, OrderPlace] = {}
        self._refused: dict[str, dict[str, Any]] = {}
        #: Cancelled before they came: never to be placed.
        self._barred: set[str] = set()
        #: The revision of each order that was told last.
        self._told: dict[str, int] = {}
        #: News of orders that nobody asked for, and that no stream has yet.
        self._news: deque[Body] = deque()
        self.stopping = False

    def run(self) -> None:
        self._say_venue()
        while not self.stopping:
            self._pull.ask()
            try:
                self._take(self._inbox.get(timeout=self._patience()))
            except queue.Empty:
                pass
            self._tell_changes()
        self._hand_back()

    def _patience(self) -> float:
        due = self._exchange.next_due()
        return IDLE_SECONDS if due is None else min(max(due - time.monotonic(), 0.001), IDLE_SECONDS)

    def _take(self, message: Message) -> None:
        if not self._pull.owns(message):
            self._answer_question(message)
            return
        delivery = self._pull.take(message)
        if delivery is not None:
            self._carry_out(delivery)

    def _carry_out(self, delivery: Delivery) -> None:
        """Answers first, each acknowledged by the stream; then the command is acknowledged."""
        message = delivery.message
        try:
            try:
                answers = self._answers_to(delivery)
            except Unreadable as problem:
                self._set_aside(message, str(problem))
                terminate(self._connection, message)
                return
            for answer in answers:
                self._publish(answer)
            ack(self._connection, message)
        except (NatsError, OSError) as error:
            note(f"{message.subject} comes again: {error}")
            put_back(self._connection, message, seconds=min(0.25 * 2**delivery.deliveries, 5.0))

    def _answers_to(self, delivery: Delivery) -> list[Body]:
        command = protocol.read_command(delivery.message, self._mode)
        if isinstance(command, MarketRefresh):
            return [self._market(command)]
        if isinstance(command, OrderPlace):
            return self._place(command, delivery)
        if isinstance(command, OrderCancel):
            return self._cancel(command)
        return self._query(command)

    def _market(self, command: MarketRefresh) -> Body:
        product = self._exchange.products.get(command.symbol)
        body = result("market.snapshot", command.symbol, request_id=command.request_id)
        if product is None:
            why = rejection("symbol", "INVALID_PRODUCT_ID", f"there is no product {command.symbol}")
            return {**body, "type": "market.unavailable", "rejection": why}
        rules = ("base_increment", "price_increment", "base_min_size", "quote_min_size")
        return {
            **body,
            "quoted_at": now_text(),
            "best_bid": decimal_text(product.price),
            "best_ask": decimal_text(product.price + product.price_increment),
            "available": decimal_text(self._exchange.available(product)),
            "product": {**{rule: decimal_text(getattr(product, rule)) for rule in rules}, "status": "online"},
        }

    def _place(self, command: OrderPlace, delivery: Delivery) -> list[Body]:
        own = command.client_order_id
        asked = self._asked.get(own)
        if asked is not None and asked != command:
            raise Unreadable(f"client_order_id {own} was that of another order before")
        order = self._exchange.orders.get(own)
        if order is not None:
            return self._taken(order)
        if own in self._refused:
            return [result("order.rejected", command.symbol, client_order_id=own, rejection=self._refused[own])]
        if own in self._barred:
            return [unknown(command.symbol, own, "a cancellation of this order came before it, so it is not placed")]
        age = time.time() - delivery.stored_at
        if delivery.deliveries > 1 or age > COMMAND_SECONDS:
            # Another gateway may have answered it, or its machine is about to ask anew: nobody would cancel it.
            return [unknown(command.symbol, own, "the order came late, the exchange does not know it: not placed")]
        self._asked[own] = command
        try:
            order = self._exchange.place(own, command.symbol, command.kind, command.base_size, command.limit_price)
        except Refused as refusal:
            self._refused[own] = refusal.rejection
            return [result("order.rejected", command.symbol, client_order_id=own, rejection=refusal.rejection)]
        return self._taken(order)

    def _taken(self, order: Order) -> list[Body]:
        own = order.client_order_id
        accepted = result("order.accepted", order.symbol, client_order_id=own, order_id=order.order_id)
        return [accepted, self._update(order)] if order.status in FINAL or order.filled_size > 0 else [accepted]

    def _cancel(self, command: OrderCancel) -> list[Body]:
        order = self._exchange.orders.get(command.client_order_id)
        if order is None:
            self._barred.add(command.client_order_id)
            return [unknown(command.symbol, command.client_order_id, "the exchange has never heard of this order")]
        self._exchange.cancel(order)
        return [self._update(order)]

    def _query(self, command: OrderQuery) -> list[Body]:
        order = self._exchange.orders.get(command.client_order_id)
        if order is None:
            return [unknown(command.symbol, command.client_order_id, "the exchange has never heard of this order")]
        return [self._update(order)]

    def _update(self, order: Order) -> Body:
        """All that is known of an order: totals, not what was filled last."""
        self._told[order.client_order_id] = order.revision
        return result(
            "order.update",
            order.symbol,
            client_order_id=order.client_order_id,
            order_id=order.order_id,
            revision=order.revision,
            status=order.status,
            filled_size=decimal_text(order.filled_size),
            filled_value=decimal_text(order.filled_value),
            fee=decimal_text(order.fee),
            rejection=None,
        )

    def _tell_changes(self) -> None:
        """Each change is told, asked for or not. What the stream did not take stays, as it is, for the next time."""
        for order in self._exchange.advance():
            self._news.append(self._update(order))
        for order in self._exchange.orders.values():
            if self._told.get(order.client_order_id, 1) < order.revision:
                self._news.append(self._update(order))
        while self._news and not self.stopping:
            try:
                self._publish(self._news[0])
            except (NatsError, OSError) as error:
                note(f"not told yet: {error}")
                return
            self._news.popleft()

    def _publish(self, body: Body) -> None:
        subject = f"{protocol.PREFIX}.results.{body['symbol']!s}"
        headers = protocol.headers_for(self._kind, protocol.result_id(body), self._mode)
        publish(self._connection, subject, protocol.encode(body, self._kind), headers, PUBLISH_SECONDS)

    def _answer_question(self, message: Message) -> None:
        """Questions and their answers are not kept: who hears nothing asks again."""
        try:
            request_id = protocol.read_question(message, self._mode)
        except Unreadable as problem:
            self._set_aside(message, str(problem))
            return
        body: Body = {
            "type": "holdings.snapshot",
            "request_id": request_id,
            "at": now_text(),
            "positions": [self._position(currency) for currency in self._exchange.balances],
        }
        msg_id = protocol.message_id("holdings.snapshot", request_id, str(body["at"]))
        headers = protocol.headers_for(self._kind, msg_id, self._mode)
        try:
            self._connection.publish(f"{protocol.PREFIX}.holdings", protocol.encode(body, self._kind), headers)
        except Disconnected:
            pass

    def _position(self, currency: str) -> Body:
        product = self._exchange.products.get(f"{currency}-USD")
        balance = self._exchange.balances[currency]
        price = Decimal(1) if currency == "USD" else None if product is None else product.price
        return {
            "currency": currency,
            "symbol": None if product is None else product.symbol,
            "balance": decimal_text(balance),
            "available": decimal_text(balance if product is None else self._exchange.available(product)),
            "price_usd": None if price is None else decimal_text(price),
        }

    def _set_aside(self, message: Message, reason: str) -> None:
        subject, body, msg_id = protocol.dead_letter(message, reason)
        note(f"set aside: {message.subject}: {reason}")
        publish(self._connection, subject, protocol.encode(body, "json"), protocol.headers_for("json", msg_id))

    def _say_venue(self) -> None:
        """It is kept, so what an earlier gateway said would stand."""
        at = now_text()
        body: Body = {"type": "venue.state", "at": at, "state": "closed", "cause": None, "reason": None, "until": None}
        headers = protocol.headers_for(self._kind, protocol.message_id("venue.state", "closed", at), self._mode)
        publish(self._connection, f"{protocol.PREFIX}.venue", protocol.encode(body, self._kind), headers)

    def _hand_back(self) -> None:
        """What came and was not begun goes to whoever is gateway next, at once."""
        while not self._inbox.empty():
            message = self._inbox.get()
            if message.reply.startswith("$JS.ACK."):
                put_back(self._connection, message, seconds=0)
        self._connection.flush()


def result(kind: str, symbol: str, **fields: Any) -> Body:
    return {"type": kind, "symbol": symbol, "at": now_text(), **fields}


def unknown(symbol: str, client_order_id: str, message: str) -> Body:
    #: Nothing is ever on its way to an exchange in memory; to one over a network half a minute, by time.monotonic().
    said = {"outcome": "not_found", "message": message, "may_arrive": False}
    return result("order.unknown", symbol, client_order_id=client_order_id, **said)


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("--nats", default="nats://127.0.0.1:4222", metavar="URL")
    options.add_argument("--exchange", type=Path, required=True, metavar="FILE", help="what the exchange has in store")
    options.add_argument("--mode", choices=("paper", "live"), default="paper")
    options.add_argument("--format", choices=("msgpack", "json"), default="msgpack", help="of what it sends")
    given = options.parse_args()
    try:
        connection = connect(given.nats, NAME, 30.0, note)
        claim(connection, NAME, "1.0.0", "a gateway in Python, with an exchange in memory", given.mode)
        exchange = Exchange.read(given.exchange)
        gateway = Gateway(connection, exchange, given.mode, given.format)

        def stop(number: int, frame: object) -> None:
            gateway.stopping = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print("gateway ready", flush=True)
        gateway.run()
        connection.close()
        balances = {name: decimal_text(balance) for name, balance in exchange.balances.items()}
        print(json.dumps({"balances": balances}), flush=True)
        return 0
    except (Claimed, ApiError, Timeout, NatsError) as error:
        note(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
