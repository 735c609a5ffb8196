"""All SQL of silence, set-based: one statement for a batch of orders, one for the rhythms of a batch of customers."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from moat.kit.db.transaction import Transaction
from scoring_svc.silence.purchases import Payment, Purchase, Refund, net_minor, purchase_date
from scoring_svc.silence.rhythm import Rhythm

# Facts of one order that meet from two partitions wait for each other on the primary key and are merged by the row
# that is there, never by what was read before. Rows go in in id order, so that two batches cannot deadlock.
_RECORD = """
INSERT INTO purchase AS p
  (order_uid, customer_id, paid_at, purchase_date, currency, total_minor, net_minor, refunds)
SELECT * FROM unnest(
  CAST(:order_uids AS uuid[]), CAST(:customer_ids AS uuid[]), CAST(:paid_ats AS timestamptz[]),
  CAST(:dates AS date[]), CAST(:currencies AS text[]), CAST(:totals AS bigint[]), CAST(:nets AS bigint[]),
  CAST(CAST(:refunds AS text[]) AS jsonb[]))
ON CONFLICT (order_uid) DO UPDATE SET
  customer_id = CASE WHEN p.paid_at IS NULL AND excluded.paid_at IS NOT NULL
                     THEN excluded.customer_id ELSE p.customer_id END,
  paid_at = coalesce(p.paid_at, excluded.paid_at),
  purchase_date = coalesce(p.purchase_date, excluded.purchase_date),
  currency = coalesce(p.currency, excluded.currency),
  total_minor = coalesce(p.total_minor, excluded.total_minor),
  net_minor = coalesce(p.net_minor, excluded.net_minor),
  refunds = excluded.refunds || p.refunds
RETURNING order_uid, customer_id, paid_at, currency, total_minor, net_minor, refunds
"""
_SAVE_NET = """
UPDATE purchase SET net_minor = new.net_minor
FROM unnest(CAST(:order_uids AS uuid[]), CAST(:nets AS bigint[])) AS new (order_uid, net_minor)
WHERE purchase.order_uid = new.order_uid
"""
_OWNERS = """
SELECT order_uid, customer_id FROM purchase
WHERE order_uid = ANY(CAST(:order_uids AS uuid[])) AND paid_at IS NOT NULL
"""
_MOVE = "UPDATE purchase SET customer_id = :to_id WHERE customer_id = :from_id"
_GIVE_BACK = """
UPDATE purchase SET customer_id = :to_id WHERE customer_id = :from_id AND order_uid = ANY(CAST(:order_uids AS uuid[]))
"""
# Recomputed from the customer's orders each time: a projection that cannot drift, at the cost of reading them.
_STANDINGS = """
WITH paid AS (
  SELECT customer_id, purchase_date, paid_at, currency, net_minor FROM purchase
  WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])) AND paid_at IS NOT NULL),
rhythm AS (
  SELECT customer_id, count(*) AS orders_count, count(DISTINCT purchase_date) AS purchase_days,
         max(purchase_date) - min(purchase_date) AS span_days, max(paid_at) AS last_paid_at
  FROM paid GROUP BY customer_id),
value AS (
  SELECT DISTINCT ON (customer_id)
         customer_id, currency AS value_currency, CAST(sum(net_minor) AS bigint) AS value_minor
  FROM paid GROUP BY customer_id, currency ORDER BY customer_id, sum(net_minor) DESC, currency)
SELECT * FROM rhythm JOIN value USING (customer_id)
"""


class Standing(NamedTuple):
    """What a customer's paid orders say of him; value is what he spent, less refunds, in the currency he spent most in.

    Of two currencies with equal sums the alphabetically first is taken.
    """

    rhythm: Rhythm
    orders_count: int
    value_minor: int
    value_currency: str


async def record(tx: Transaction, purchases: Sequence[Purchase]) -> None:
    """Add what these purchases say to what is known; each order once in the list."""
    ordered = sorted(purchases, key=lambda purchase: purchase.order_uid)
    rows = await tx.all(
        _RECORD,
        order_uids=[p.order_uid for p in ordered],
        customer_ids=[p.customer_id for p in ordered],
        paid_ats=[p.payment.paid_at if p.payment else None for p in ordered],
        dates=[purchase_date(p.payment.paid_at) if p.payment else None for p in ordered],
        currencies=[p.payment.currency if p.payment else None for p in ordered],
        totals=[p.payment.total_minor if p.payment else None for p in ordered],
        nets=[net_minor(p.payment, p.refunds) if p.payment else None for p in ordered],
        refunds=[_encoded(p.refunds) for p in ordered],
    )
    await _save_nets(tx, rows)


async def _save_nets(tx: Transaction, rows: Sequence[Any]) -> None:
    """Set what is left of each order where the row, now whole, says otherwise than its parts did."""
    nets = {}
    for row in rows:
        if row.paid_at is not None and row.refunds:
            payment = Payment(row.paid_at, row.currency, row.total_minor)
            net = net_minor(payment, _decoded(row.refunds))
            if net != row.net_minor:
                nets[row.order_uid] = net
    if nets:
        await tx.execute(_SAVE_NET, order_uids=list(nets), nets=list(nets.values()))


async def owners(tx: Transaction, order_uids: Collection[UUID]) -> Mapping[UUID, UUID]:
    """Order → the customer who paid it; orders not yet paid are absent."""
    rows = await tx.all(_OWNERS, order_uids=list(order_uids))
    return {row.order_uid: row.customer_id for row in rows}


async def move(tx: Transaction, from_id: UUID, to_id: UUID) -> None:
    """Give the orders of one customer to another."""
    await tx.execute(_MOVE, from_id=from_id, to_id=to_id)


async def give_back(tx: Transaction, order_uids: Collection[UUID], from_id: UUID, to_id: UUID) -> None:
    """Give some orders of one customer to another."""
    await tx.execute(_GIVE_BACK, order_uids=list(order_uids), from_id=from_id, to_id=to_id)


async def standings(tx: Transaction, customer_ids: Collection[UUID]) -> Mapping[UUID, Standing]:
    """Customer → what his paid orders say; customers without one are absent."""
    rows = await tx.all(_STANDINGS, customer_ids=list(customer_ids))
    return {
        row.customer_id: Standing(
            Rhythm(row.purchase_days, row.span_days, row.last_paid_at),
            row.orders_count,
            row.value_minor,
            row.value_currency,
        )
        for row in rows
    }


def _encoded(refunds: Mapping[str, Refund]) -> str:
    return json.dumps({id_: [refund.currency, refund.amount_minor] for id_, refund in refunds.items()})


def _decoded(refunds: Mapping[str, tuple[str, int]]) -> dict[str, Refund]:
    return {id_: Refund(currency, amount_minor) for id_, (currency, amount_minor) in refunds.items()}
