"""An exchange in memory, which does with each order what its script says: refuse it, let it rest, fill it in parts.

It stands for the exchange behind a gateway; nothing in it is part of the protocol.
"""
from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, localcontext
from pathlib import Path
from typing import Any

FINAL = ("filled", "cancelled", "expired", "failed")


class Refused(Exception):
    """The exchange says no; `rejection` is all that it said, with whose fault that is."""

    def __init__(self, rejection: Mapping[str, Any]) -> None:
        super().__init__(str(rejection["code"]))
        self.rejection = dict(rejection)


@dataclass(frozen=True)
class Product:
    symbol: str
    price: Decimal
    base_increment: Decimal
    price_increment: Decimal
    base_min_size: Decimal
    quote_min_size: Decimal
    #: What becomes of the first order, the second, …; the last entry is for all that follow.
    orders: list[dict[str, Any]]

    @property
    def currency(self) -> str:
        return self.symbol.rsplit("-", 1)[0]


@dataclass
class Order:
    client_order_id: str
    order_id: str
    symbol: str
    size: Decimal
    price: Decimal
    status: str = "open"
    filled_size: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    #: Grows with every change.
    revision: int = 1
    #: When how much of it is filled, in all.
    fills: list[tuple[float, Decimal]] = field(default_factory=list)
    #: Of what is open, how much fills while it is being cancelled.
    on_cancel: Decimal = Decimal(0)


class Exchange:
    """Times are of `time.monotonic`."""

    def __init__(self, script: Mapping[str, Any]) -> None:
        self.balances = {name: Decimal(text) for name, text in script["account"].items()}
        self.products = {symbol: _product(symbol, entry) for symbol, entry in script["products"].items()}
        self.orders: dict[str, Order] = {}
        self._fee = Decimal(script.get("fee_bps", 60)) / 10_000
        self._fill_after = float(script.get("fill_after_seconds", 0.3))
        self._placed: dict[str, int] = {}

    @staticmethod
    def read(path: Path) -> Exchange:
        return Exchange(json.loads(path.read_text("utf-8")))

    def available(self, product: Product) -> Decimal:
        held = sum(
            (order.size - order.filled_size for order in self.orders.values() if _holds(order, product)), Decimal(0)
        )
        return self.balances.get(product.currency, Decimal(0)) - held

    def place(self, client_order_id: str, symbol: str, kind: str, size: Decimal, price: Decimal) -> Order:
        """Raises Refused."""
        product = self.products.get(symbol)
        if product is None:
            raise Refused(rejection("symbol", "INVALID_PRODUCT_ID", f"there is no product {symbol}"))
        if kind == "post_only" and price <= product.price:
            raise Refused(rejection("requote", "INVALID_LIMIT_PRICE_POST_ONLY", "Post-only order would cross the book"))
        if size > self.available(product):
            raise Refused(rejection("account", "INSUFFICIENT_FUND", "Insufficient balance in source account"))
        number = self._placed.get(symbol, 0)
        self._placed[symbol] = number + 1
        plan = product.orders[min(number, len(product.orders) - 1)]
        if "reject" in plan:
            raise Refused(rejection(**plan["reject"]))
        order = Order(client_order_id, str(uuid.uuid4()), symbol, size, price)
        self.orders[client_order_id] = order
        if kind == "ioc":
            self._take(order, product)
            return order
        due, share = time.monotonic(), Decimal(0)
        for part in plan.get("fill", []):
            due, share = due + self._fill_after, share + Decimal(part)
            order.fills.append((due, _floor(size * share, product.base_increment)))
        order.on_cancel = Decimal(plan.get("on_cancel", 0))
        return order

    def cancel(self, order: Order) -> None:
        """Ends an order; part of it may be filled at the last moment."""
        self.advance()
        if order.status != "open":
            return
        more = _floor((order.size - order.filled_size) * order.on_cancel, self.products[order.symbol].base_increment)
        if more > 0:
            self._fill(order, order.filled_size + more, order.price)
        if order.status == "open":
            order.status = "cancelled"
            order.revision += 1

    def advance(self) -> list[Order]:
        """Fills what is due by now; which orders that changed."""
        changed: list[Order] = []
        now = time.monotonic()
        for order in self.orders.values():
            while order.status == "open" and order.fills and order.fills[0][0] <= now:
                self._fill(order, order.fills.pop(0)[1], order.price)
                changed.append(order)
        return changed

    def next_due(self) -> float | None:
        """When something fills next."""
        waiting = (order for order in self.orders.values() if order.status == "open" and order.fills)
        return min((order.fills[0][0] for order in waiting), default=None)

    def _take(self, order: Order, product: Product) -> None:
        if order.price <= product.price:
            self._fill(order, order.size, product.price)
        else:
            order.status = "cancelled"

    def _fill(self, order: Order, filled_size: Decimal, price: Decimal) -> None:
        with localcontext() as context:
            context.prec = 60  # amounts have up to thirty digits on either side of the point
            size = filled_size - order.filled_size
            value = size * price
            fee = value * self._fee
            order.filled_size = filled_size
            order.filled_value += value
            order.fee += fee
            order.revision += 1
            if order.filled_size == order.size:
                order.status = "filled"
            currency = self.products[order.symbol].currency
            self.balances[currency] -= size
            self.balances["USD"] = self.balances.get("USD", Decimal(0)) + value - fee


def rejection(
    fault: str,
    code: str,
    message: str,
    details: str | None = None,
    preview_failure: str | None = None,
    classified: bool = True,
) -> dict[str, Any]:
    """A refusal as the protocol wants it. `fault` is the class: docs/rejections.md says which code has which."""
    raw = json.dumps({"success": False, "error_response": {"error": code, "message": message}})
    return {
        **{"class": fault, "classified": classified, "code": code, "message": message},
        **{"details": details, "preview_failure": preview_failure, "raw_response": raw},
    }


def _product(symbol: str, entry: Mapping[str, Any]) -> Product:
    return Product(
        symbol=symbol,
        price=Decimal(entry["price"]),
        base_increment=Decimal(entry["base_increment"]),
        price_increment=Decimal(entry["price_increment"]),
        base_min_size=Decimal(entry["base_min_size"]),
        quote_min_size=Decimal(entry["quote_min_size"]),
        orders=list(entry.get("orders", [{"fill": ["1"]}])),
    )


def _holds(order: Order, product: Product) -> bool:
    return order.symbol == product.symbol and order.status == "open"


def _floor(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_FLOOR) * step
