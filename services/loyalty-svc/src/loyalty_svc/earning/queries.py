"""All SQL of earning."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult

from loyalty_svc.earning.orders import OrderEarning, Refund
from loyalty_svc.earning.programme import Programme, read
from moat.kit.db.transaction import Transaction

_PROGRAMMES = """
SELECT version, valid_from, valid_to, document::text AS document FROM earning_programme
WHERE status <> 'draft' ORDER BY valid_from NULLS FIRST, version
"""
# An order belongs to whom its customer has become by now.
_LOAD = """
SELECT o.order_uid, o.revision, coalesce(a.to_id, o.customer_id), o.paid_at, o.currency, coalesce(o.total_minor, 0),
       o.programme_version, o.earned, o.reversed, o.refunds
FROM order_earning o LEFT JOIN customer_alias a ON a.from_id = o.customer_id
WHERE o.order_uid = ANY(CAST(:ids AS uuid[]))
"""
# In the order of their ids, so that two batches wait for each other and never in a circle. A row that somebody changed
# since it was read is locked and left as it is, and its id does not come back.
_SAVE = """
INSERT INTO order_earning AS o (order_uid, revision, customer_id, paid_at, currency, total_minor, programme_version,
                                earned, reversed, refunds)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:revisions AS integer[]), CAST(:customers AS uuid[]),
                     CAST(:paid_at AS timestamptz[]), CAST(:currencies AS text[]), CAST(:totals AS bigint[]),
                     CAST(:versions AS integer[]), CAST(:earned AS bigint[]),
                     CAST(:reversed AS bigint[]), CAST(:refunds AS jsonb[])) ORDER BY 1
ON CONFLICT (order_uid) DO UPDATE SET
  revision = excluded.revision, customer_id = excluded.customer_id, paid_at = excluded.paid_at,
  currency = excluded.currency, total_minor = excluded.total_minor, programme_version = excluded.programme_version,
  earned = excluded.earned, reversed = excluded.reversed, refunds = excluded.refunds
WHERE o.revision = excluded.revision - 1
RETURNING o.order_uid
"""
# The usual batch: all paid, and never heard of before. What another batch made meanwhile does not come back.
_SAVE_FRESH = """
INSERT INTO order_earning (order_uid, customer_id, paid_at, currency, total_minor, programme_version, earned,
                           revision, reversed)
SELECT t.*, 1, 0
FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:paid_at AS timestamptz[]),
            CAST(:currencies AS text[]), CAST(:totals AS bigint[]), CAST(:versions AS integer[]),
            CAST(:earned AS bigint[])) AS t ORDER BY 1
ON CONFLICT (order_uid) DO NOTHING RETURNING order_uid
"""


async def programmes(tx: Transaction) -> list[Programme]:
    """Every version that is or was published, the earliest first."""
    return [read(row.version, row.valid_from, row.valid_to, row.document) for row in await tx.all(_PROGRAMMES)]


async def load(tx: Transaction, order_uids: Iterable[UUID]) -> dict[UUID, OrderEarning]:
    """The state of those orders that are known."""
    rows: Sequence[Any] = await tx.all(_LOAD, ids=list(order_uids))
    return {row[0]: _read(row) for row in rows}


async def save(tx: Transaction, orders: Sequence[OrderEarning]) -> set[UUID]:
    """Keep the states, each one revision on; returns those that somebody else had changed meanwhile, unsaved."""
    if not orders:
        return set()
    are_fresh = not any(order.revision or order.refunds for order in orders)
    rows: Sequence[Any] = (await (_write_fresh if are_fresh else _write_changed)(tx, orders)).all()
    if len(rows) == len(orders):
        return set()
    return {order.order_uid for order in orders} - {row[0] for row in rows}


async def _write_fresh(tx: Transaction, orders: Sequence[OrderEarning]) -> CursorResult[Any]:
    return await tx.execute(
        _SAVE_FRESH,
        ids=[order.order_uid for order in orders],
        customers=[order.customer_id for order in orders],
        paid_at=[order.paid_at for order in orders],
        currencies=[order.currency for order in orders],
        totals=[order.total_minor for order in orders],
        versions=[order.programme_version for order in orders],
        earned=[order.earned for order in orders],
    )


async def _write_changed(tx: Transaction, orders: Sequence[OrderEarning]) -> CursorResult[Any]:
    return await tx.execute(
        _SAVE,
        ids=[order.order_uid for order in orders],
        revisions=[order.revision + 1 for order in orders],
        customers=[order.customer_id for order in orders],
        paid_at=[order.paid_at for order in orders],
        currencies=[order.currency for order in orders],
        totals=[None if order.paid_at is None else order.total_minor for order in orders],
        versions=[order.programme_version for order in orders],
        earned=[order.earned for order in orders],
        reversed=[order.reversed for order in orders],
        refunds=[_write_refunds(order.refunds) for order in orders],
    )


def _read(row: Any) -> OrderEarning:
    order = OrderEarning(*row)
    order.refunds = _read_refunds(row.refunds)
    return order


def _read_refunds(document: list[list[str | int]] | None) -> list[Refund]:
    return [
        Refund(str(id_), datetime.fromisoformat(str(at)), str(currency), int(amount), str(event_id))
        for id_, at, currency, amount, event_id in document or ()
    ]


def _write_refunds(refunds: Sequence[Refund]) -> str | None:
    if not refunds:
        return None
    return json.dumps([[one.refund_id, one.at.isoformat(), *one[2:]] for one in refunds])
