"""All SQL of orders, set-based."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from customer_svc.orders.folding import Order, Refund
from moat.kit.db.transaction import Transaction

# One encoder for all: `dumps` with arguments of its own makes one for each call.
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# One place says which columns there are and of which type; every statement is made from it.
_TYPES: Final[Mapping[str, str]] = {
    "order_uid": "uuid",
    "customer_id": "uuid",
    "source": "text",
    "order_id": "text",
    "at": "timestamptz",
    "status": "text",
    "currency": "text",
    "total_minor": "bigint",
    "refunded_minor": "bigint",
    "lines": "jsonb",
    "channel": "text",
    "placed_at": "timestamptz",
    "paid_at": "timestamptz",
    "shipped_at": "timestamptz",
    "delivered_at": "timestamptz",
    "delayed_at": "timestamptz",
    "promised_at": "timestamptz",
    "cancelled_at": "timestamptz",
    "refunds": "jsonb",
    "named_by": "text",
}
_NAMES: Final = ", ".join(_TYPES)
_ROWS: Final = "unnest(" + ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _TYPES.items()) + ")"
_CHANGING: Final = tuple(name for name in _TYPES if name not in ("order_uid", "source", "order_id"))
_LOAD: Final = f"""
SELECT {_NAMES} FROM customer_order WHERE order_uid = ANY(CAST(:uids AS uuid[])) ORDER BY order_uid FOR NO KEY UPDATE
"""  # noqa: S608
_INSERT: Final = f"""
INSERT INTO customer_order ({_NAMES}) SELECT * FROM {_ROWS} ON CONFLICT (order_uid) DO NOTHING
"""  # noqa: S608
# Nearly every new order is heard of by its payment and nothing else: half of the columns say nothing yet.
_BOUGHT: Final = (
    "order_uid",
    "customer_id",
    "source",
    "order_id",
    "currency",
    "total_minor",
    "lines",
    "channel",
    "paid_at",
)
_INSERT_BOUGHT: Final = f"""
INSERT INTO customer_order ({", ".join(_BOUGHT)}, at, status, refunded_minor, refunds)
SELECT *, paid_at, 'paid', 0, '{{}}'
FROM unnest({", ".join(f"CAST(:{name} AS {_TYPES[name]}[])" for name in _BOUGHT)}) AS n ({", ".join(_BOUGHT)})
ON CONFLICT (order_uid) DO NOTHING
"""  # noqa: S608
_UPDATE: Final = f"""
UPDATE customer_order o SET {", ".join(f"{name} = n.{name}" for name in _CHANGING)}
FROM {_ROWS} AS n ({_NAMES}) WHERE o.order_uid = n.order_uid
"""  # noqa: S608
_MOVE: Final = """
UPDATE customer_order o SET customer_id = m.into_id
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)
WHERE o.customer_id = m.from_id
RETURNING m.from_id, o.order_uid
"""
_PAGE: Final = """
SELECT order_uid, order_id, source, at, status, currency, total_minor, refunded_minor, refunds, lines, channel,
       placed_at, paid_at, shipped_at, delivered_at, promised_at, cancelled_at
FROM customer_order WHERE customer_id = :customer_id
  AND (CAST(:after_at AS timestamptz) IS NULL OR (at, order_uid) < (:after_at, CAST(:after_uid AS uuid)))
ORDER BY at DESC, order_uid DESC LIMIT :limit
"""


async def load(tx: Transaction, uids: Collection[UUID]) -> dict[UUID, Order]:
    """These orders as far as they are known, locked."""
    return {row.order_uid: _order(row) for row in await tx.all(_LOAD, uids=list(uids))}


async def insert(tx: Transaction, orders: Sequence[Order]) -> bool:
    """Write new orders; False if another transaction has written one of them meanwhile."""
    ordered = sorted(orders, key=lambda order: order.uid)
    bought = [order for order in ordered if order.is_only_paid]
    others = [order for order in ordered if not order.is_only_paid]
    written = 0
    if bought:
        written += (await tx.execute(_INSERT_BOUGHT, **_columns(bought, _BOUGHT))).rowcount
    if others:
        written += (await tx.execute(_INSERT, **_columns(others))).rowcount
    return written == len(orders)


async def update(tx: Transaction, orders: Sequence[Order]) -> None:
    """Write changed orders."""
    await tx.execute(_UPDATE, **_columns(orders))


async def move(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> dict[UUID, list[str]]:
    """Give all orders of customers who were merged away to the survivors; what was moved, by former customer."""
    moved: dict[UUID, list[str]] = {}
    for row in await tx.all(_MOVE, from_ids=[a for a, _ in pairs], into_ids=[b for _, b in pairs]):
        moved.setdefault(row.from_id, []).append(str(row.order_uid))
    return moved


async def page(tx: Transaction, customer_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Any]:
    """Orders of one customer, newest first."""
    return await tx.all(
        _PAGE,
        customer_id=customer_id,
        after_at=after[0] if after else None,
        after_uid=after[1] if after else None,
        limit=limit,
    )


def _columns(orders: Sequence[Order], names: Sequence[str] = tuple(_TYPES)) -> dict[str, list[Any]]:
    return {name: list(map(_READ.get(name) or attrgetter(name), orders)) for name in names}


def _refunds(order: Order) -> str:
    return _json({id_: (r.currency, r.amount_minor, r.at.isoformat()) for id_, r in order.refunds.items()})


# What is not kept under the name, or not in the form, that the heart has for it.
_READ: Final[Mapping[str, Callable[[Order], Any]]] = {
    "order_uid": lambda order: order.uid,
    "currency": lambda order: order.refund_currency,
    "lines": lambda order: _json(order.lines) if order.lines else "[]",
    "refunds": lambda order: _refunds(order) if order.refunds else "{}",
}


def _order(row: Any) -> Order:
    return Order(
        uid=row.order_uid,
        source=row.source,
        order_id=row.order_id,
        customer_id=row.customer_id,
        # Without amounts of its own the column shows the refunds' currency, which is no claim about the order's.
        currency=row.currency if row.total_minor is not None else None,
        total_minor=row.total_minor,
        lines=row.lines,
        channel=row.channel,
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        shipped_at=row.shipped_at,
        delivered_at=row.delivered_at,
        delayed_at=row.delayed_at,
        promised_at=row.promised_at,
        cancelled_at=row.cancelled_at,
        refunds={
            id_: Refund(currency, minor, datetime.fromisoformat(at))
            for id_, (currency, minor, at) in row.refunds.items()
        },
        named_by=row.named_by,
    )
