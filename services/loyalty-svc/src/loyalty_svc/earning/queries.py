"""All SQL of earning: orders, counters of limits, awards."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty_svc.earning.bench import AwardNote
from loyalty_svc.earning.limits import Counter, Key
from loyalty_svc.earning.orders import OrderEarning, Part, Refund
from loyalty_svc.earning.returns import LineAward, OrderLine
from moat.customers import Parting, give_back
from moat.kit.db.asking import Answer
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7s

# An order belongs to whom its customer has become by now.
_LOAD = """
SELECT o.order_uid, o.revision, coalesce(a.to_id, o.customer_id), o.paid_at, o.currency, coalesce(o.total_minor, 0),
       o.programme_version, o.earned, o.reversed, o.refunds, o.others, o.by_line
FROM order_earning o LEFT JOIN customer_alias a ON a.from_id = o.customer_id
WHERE o.order_uid = ANY(CAST(:ids AS uuid[]))
"""
# In the order of their ids, so that two batches wait for each other and never in a circle. A row that somebody changed
# since it was read is locked and left as it is, and its id does not come back.
_SAVE = """
INSERT INTO order_earning AS o (order_uid, revision, customer_id, paid_at, currency, total_minor, programme_version,
                                earned, reversed, refunds, others, by_line)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:revisions AS integer[]), CAST(:customers AS uuid[]),
                     CAST(:paid_at AS timestamptz[]), CAST(:currencies AS text[]), CAST(:totals AS bigint[]),
                     CAST(:versions AS integer[]), CAST(:earned AS bigint[]),
                     CAST(:reversed AS bigint[]), CAST(:refunds AS jsonb[]), CAST(:others AS jsonb[]),
                     CAST(:by_line AS jsonb[]))
ORDER BY 1
ON CONFLICT (order_uid) DO UPDATE SET
  revision = excluded.revision, customer_id = excluded.customer_id, paid_at = excluded.paid_at,
  currency = excluded.currency, total_minor = excluded.total_minor, programme_version = excluded.programme_version,
  earned = excluded.earned, reversed = excluded.reversed, refunds = excluded.refunds,
  others = excluded.others, by_line = excluded.by_line
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


# Known counters are locked in the order of their keys; those that are missing are made, and found again if somebody
# else was faster.
_LOCK_COUNTERS = """
SELECT c.scope, c.customer_id, c.per, c.starts_at, c.points, c.awards, c.last_at
FROM earning_counter c
JOIN unnest(CAST(:scopes AS text[]), CAST(:customers AS uuid[]), CAST(:pers AS text[]), CAST(:starts AS timestamptz[]))
  AS t (scope, customer_id, per, starts_at) USING (scope, customer_id, per, starts_at)
ORDER BY c.customer_id, c.scope, c.per, c.starts_at FOR UPDATE OF c
"""
_MAKE_COUNTERS = """
INSERT INTO earning_counter (scope, customer_id, per, starts_at)
SELECT * FROM unnest(CAST(:scopes AS text[]), CAST(:customers AS uuid[]), CAST(:pers AS text[]),
                     CAST(:starts AS timestamptz[])) AS t (scope, customer_id, per, starts_at)
ORDER BY t.customer_id, t.scope COLLATE "C", t.per COLLATE "C", t.starts_at
ON CONFLICT DO NOTHING RETURNING scope, customer_id, per, starts_at, points, awards, last_at
"""
# Never below zero: what was counted before a split stays with the survivor, and may be taken off with who has parted.
_COUNT = """
UPDATE earning_counter c
SET points = greatest(c.points + t.points, 0), awards = greatest(c.awards + t.awards, 0),
    last_at = greatest(c.last_at, t.last_at)
FROM unnest(CAST(:scopes AS text[]), CAST(:customers AS uuid[]), CAST(:pers AS text[]), CAST(:starts AS timestamptz[]),
            CAST(:points AS bigint[]), CAST(:awards AS bigint[]), CAST(:last_at AS timestamptz[]))
  AS t (scope, customer_id, per, starts_at, points, awards, last_at)
WHERE (c.scope, c.customer_id, c.per, c.starts_at) = (t.scope, t.customer_id, t.per, t.starts_at)
"""
_NOTE = """
INSERT INTO award (id, customer_id, cause_id, at, noted_at, wanted, points, status, code, rule, event_type, event_id,
                   order_id, matched, cut_by)
SELECT t.id, t.customer_id, t.cause_id, t.at, :noted_at, t.wanted, t.points, t.status, t.code, t.rule, t.event_type,
       t.event_id, t.order_id, t.matched, t.cut_by
FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:causes AS uuid[]), CAST(:at AS timestamptz[]),
            CAST(:wanted AS bigint[]), CAST(:points AS bigint[]), CAST(:statuses AS text[]), CAST(:codes AS text[]),
            CAST(:rules AS text[]), CAST(:types AS text[]), CAST(:event_ids AS text[]), CAST(:order_ids AS text[]),
            CAST(:matched AS text[]), CAST(:cut_by AS text[]))
  AS t (id, customer_id, cause_id, at, wanted, points, status, code, rule, event_type, event_id, order_id, matched,
        cut_by)
ORDER BY t.cause_id, t.code COLLATE "C" ON CONFLICT (cause_id, code) DO NOTHING
"""
_NOTED = "SELECT DISTINCT cause_id FROM award WHERE cause_id = ANY(CAST(:ids AS uuid[]))"
_LOCK_ORDER = _LOAD + " FOR UPDATE OF o"
_MOVE_AWARDS = """
UPDATE award a SET customer_id = t.to_id, origin_id = coalesce(a.origin_id, t.from_id)
FROM unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS t (from_id, to_id) WHERE a.customer_id = t.from_id
"""
_GIVE_AWARDS_BACK = """
UPDATE award SET customer_id = :customer_id
WHERE customer_id = :survivor_id AND cause_id = ANY(CAST(:order_uids AS uuid[]))
"""
_GIVE_ORDERS_BACK = """
UPDATE order_earning SET customer_id = :from_id, revision = revision + 1
WHERE order_uid = ANY(CAST(:order_uids AS uuid[])) AND customer_id IN (
  SELECT CAST(:survivor_id AS uuid) UNION ALL SELECT from_id FROM customer_alias WHERE to_id = :survivor_id)
"""
_MOVE_COUNTERS = """
WITH gone AS (
  DELETE FROM earning_counter c
  USING unnest(CAST(:from_ids AS uuid[]), CAST(:to_ids AS uuid[])) AS t (from_id, to_id) WHERE c.customer_id = t.from_id
  RETURNING t.to_id, c.scope, c.per, c.starts_at, c.points, c.awards, c.last_at)
INSERT INTO earning_counter AS c (customer_id, scope, per, starts_at, points, awards, last_at)
SELECT to_id, scope, per, starts_at, sum(points), sum(awards), max(last_at) FROM gone
GROUP BY to_id, scope, per, starts_at ORDER BY to_id, scope, per, starts_at
ON CONFLICT (customer_id, scope, per, starts_at) DO UPDATE SET
  points = c.points + excluded.points, awards = c.awards + excluded.awards,
  last_at = greatest(c.last_at, excluded.last_at)
"""


async def load(tx: Transaction, order_uids: Iterable[UUID]) -> dict[UUID, OrderEarning]:
    """The state of those orders that are known."""
    rows: Sequence[Any] = await tx.all(_LOAD, ids=list(order_uids))
    return {row[0]: _read(row) for row in rows}


async def save(tx: Transaction, orders: Sequence[OrderEarning]) -> set[UUID]:
    """Keep the states, each one revision on; returns those that somebody else had changed meanwhile, unsaved."""
    if not orders:
        return set()
    are_fresh = not any(order.revision or order.refunds or order.others or order.by_line for order in orders)
    saved = await (_write_fresh if are_fresh else _write_changed)(tx, orders)
    if saved.rowcount == len(orders):
        return set()
    return {order.order_uid for order in orders}.difference(saved.scalars())


async def _write_fresh(tx: Transaction, orders: Sequence[OrderEarning]) -> Answer:
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


async def _write_changed(tx: Transaction, orders: Sequence[OrderEarning]) -> Answer:
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
        others=[_write_others(order.others) for order in orders],
        by_line=[_write_by_line(order) for order in orders],
    )


def _read(row: Any) -> OrderEarning:
    order = OrderEarning(*row[:9])
    order.refunds = [_read_refund(*one) for one in row.refunds or ()]
    order.others = [Part(tuple(credits), earned, back) for credits, earned, back in row.others or ()]
    if row.by_line is not None:
        order.lines = tuple(OrderLine(*line) for line in row.by_line["lines"])
        order.by_line = tuple(_read_line_award(*one) for one in row.by_line["awards"])
    return order


def _read_refund(id_: str, at: str, currency: str, amount: int, event_id: str, lines: Any = ()) -> Refund:
    instant = datetime.fromisoformat(at)
    return Refund(id_, instant, currency, amount, event_id, tuple(OrderLine(*line) for line in lines))


def _read_line_award(code: str, credits: list[str] | None, points: int, by_item: bool, places: list[int]) -> LineAward:
    return LineAward(code, None if credits is None else tuple(credits), points, by_item, tuple(places))


def _write_refunds(refunds: Sequence[Refund]) -> str | None:
    """Lines only where a refund names some."""
    if not refunds:
        return None
    return json.dumps([[one.refund_id, one.at.isoformat(), *one[2 : 6 if one.lines else 5]] for one in refunds])


def _write_others(parts: Sequence[Part]) -> str | None:
    if not parts:
        return None
    return json.dumps([[part.credits, part.earned, part.reversed] for part in parts])


def _write_by_line(order: OrderEarning) -> str | None:
    return json.dumps({"lines": order.lines, "awards": order.by_line}) if order.by_line else None


async def lock_order(tx: Transaction, order_uid: UUID) -> OrderEarning | None:
    """The state of an order, held until the transaction ends."""
    row = await tx.first(_LOCK_ORDER, ids=[order_uid])
    return None if row is None else _read(row)


async def hold_counters(tx: Transaction, keys: Collection[Key]) -> dict[Key, Counter]:
    """These counters, locked until the transaction ends; new ones are zero."""
    found = await _lock(tx, keys)
    missing = [key for key in keys if key not in found]
    if missing:
        rows = (await tx.execute(_MAKE_COUNTERS, **_columns(missing))).records
        found |= _counters(rows)
        if len(rows) < len(missing):
            # What was not made by us was made by somebody who has committed meanwhile, and can be locked.
            found |= await _lock(tx, [key for key in missing if key not in found])
    return found


async def _lock(tx: Transaction, keys: Collection[Key]) -> dict[Key, Counter]:
    return _counters((await tx.execute(_LOCK_COUNTERS, **_columns(keys))).records)


def _counters(rows: Sequence[Any]) -> dict[Key, Counter]:
    return {Key(row[0], row[1], row[2], row[3]): Counter(row[4], row[5], row[6]) for row in rows}


def _columns(keys: Collection[Key]) -> dict[str, list[object]]:
    return {
        "scopes": [key.scope for key in keys],
        "customers": [key.customer_id for key in keys],
        "pers": [key.per for key in keys],
        "starts": [key.starts_at for key in keys],
    }


async def count(tx: Transaction, counters: Mapping[Key, Counter]) -> None:
    """Add what a batch counted to the counters that it holds."""
    changed = {key: counter for key, counter in counters.items() if counter.added_points or counter.added_awards}
    if changed:
        await tx.execute(
            _COUNT,
            **_columns(changed),
            points=[counter.added_points for counter in changed.values()],
            awards=[counter.added_awards for counter in changed.values()],
            last_at=[counter.last_at for counter in changed.values()],
        )


async def note(tx: Transaction, notes: Sequence[AwardNote], *, at: datetime) -> None:
    """Keep awards worth a note; one that is known for the same cause and rule stays."""
    if not notes:
        return
    names = ("customers", "causes", "at", "wanted", "points", "statuses", "codes", "rules", "types", "event_ids")
    columns = dict(zip((*names, "order_ids", "matched", "cut_by"), map(list, zip(*notes, strict=True)), strict=True))
    await tx.execute(_NOTE, ids=uuid7s(len(notes)), noted_at=at, **columns)


async def noted(tx: Transaction, cause_ids: Iterable[UUID]) -> set[UUID]:
    """Those causes that awards are noted of."""
    rows: Sequence[Any] = await tx.all(_NOTED, ids=list(cause_ids))
    return {row[0] for row in rows}


async def move(tx: Transaction, merges: Sequence[tuple[UUID, UUID]]) -> None:
    """Give the survivors what was counted and noted of those who were merged away; pairs of (from, to)."""
    ids = {"from_ids": [from_id for from_id, _ in merges], "to_ids": [to_id for _, to_id in merges]}
    await tx.execute(_MOVE_AWARDS, **ids)
    await tx.execute(_MOVE_COUNTERS, **ids)


async def part(tx: Transaction, splits: Sequence[Parting]) -> None:
    """Give orders and awards back to customers who have parted; what limits have counted stays with the survivors."""
    await give_back(tx, "award", splits)
    for one in splits:
        orders = {"survivor_id": one.survivor_id, "order_uids": list(one.order_uids)}
        await tx.execute(_GIVE_AWARDS_BACK, customer_id=one.customer_id, **orders)
        await tx.execute(_GIVE_ORDERS_BACK, from_id=one.from_id, **orders)
