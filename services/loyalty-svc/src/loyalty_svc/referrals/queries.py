"""All SQL of referrals, set-based."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.earning.unrewarded import UNREWARDED
from loyalty_svc.ledger.owners import owned
from loyalty_svc.referrals.judging import Claim, Order, Reason, Referral, Refund, Status
from moat.kit.db.transaction import Transaction

CLAIMS_LOCK: Final = 7305011
"""Codes are used one after the other, so that of two that would close a ring the second is seen."""

_MAKE_CODE: Final = """
INSERT INTO referral_code (code, customer_id, made_at) VALUES (:code, :customer_id, :at) ON CONFLICT DO NOTHING
"""
_CODE_OF: Final = "SELECT code FROM referral_code WHERE customer_id = :customer_id AND is_own"
_OWNER: Final = "SELECT customer_id FROM referral_code WHERE code = :code"
_SERIALISE: Final = "SELECT pg_advisory_xact_lock(:key)"
_IS_TWIN: Final = """
EXISTS (SELECT FROM referral_twin t
        WHERE t.first_id = least(r.customer_id, r.friend_id) AND t.second_id = greatest(r.customer_id, r.friend_id))
"""
# Since when a friend is known, under whichever name.
KNOWN_AT: Final = """
SELECT min(k.created_at) FROM known_customer k
WHERE k.customer_id = {friend} OR k.customer_id IN (SELECT from_id FROM customer_alias WHERE to_id = {friend})
"""
# Who brought whom, upwards from the one whose code is used. Everybody is brought once, so a chain has no branches and
# is over at the latest when it comes to somebody whom it has seen; each link is found by its index.
_CLAIM: Final = f"""
WITH RECURSIVE brought (id) AS (
  SELECT CAST(:referrer_id AS uuid)
  UNION SELECT up.customer_id FROM brought JOIN referral up ON up.friend_id = brought.id WHERE up.is_accepted)
SELECT r.customer_id = r.friend_id AS is_self, {_IS_TWIN} AS is_same_person,
       r.friend_id IN (SELECT id FROM brought) AS closes_ring,
       EXISTS (SELECT FROM referral WHERE friend_id = r.friend_id AND is_accepted) AS is_referred,
       ({KNOWN_AT.format(friend="r.friend_id")}) AS known_at,
       count(b.id) FILTER (WHERE b.claimed_at > :since) AS recent, count(b.id) AS ever
FROM (SELECT CAST(:referrer_id AS uuid) AS customer_id, CAST(:friend_id AS uuid) AS friend_id) AS r
LEFT JOIN referral b ON b.customer_id = r.customer_id AND b.is_accepted
GROUP BY r.customer_id, r.friend_id
"""  # noqa: S608
COLUMNS: Final = """
r.id, r.customer_id, r.friend_id, r.rule, r.claimed_at, r.expires_at, r.status, r.reason, r.order_uid, r.order_id,
r.event_id, r.matures_at
"""
_BEFORE: Final = f"""
SELECT {COLUMNS} FROM referral r
WHERE friend_id = :friend_id AND customer_id = :referrer_id AND (is_accepted OR reason = :reason)
ORDER BY is_accepted DESC, claimed_at LIMIT 1
"""  # noqa: S608
_INSERT: Final = """
INSERT INTO referral (id, customer_id, friend_id, claimed_at, expires_at, decided_at, is_accepted, code, rule, status,
                      reason)
VALUES (:id, :referrer_id, :friend_id, :claimed_at, :expires_at, :claimed_at, :is_accepted, :code, :rule, :status,
        :reason)
"""
# In the order of their ids, as everybody locks them. What is settled is not looked at again.
_LIVE: Final = f"""
SELECT {COLUMNS}, {_IS_TWIN} AS is_same_person FROM referral r
WHERE r.is_accepted AND (r.status <> 'rejected' OR r.reason IN ('expired', 'returned')) AND %s
ORDER BY r.id FOR UPDATE OF r
"""  # noqa: S608
_OF_FRIENDS: Final = _LIVE % "r.friend_id = ANY(CAST(:ids AS uuid[]))"
_BY_ID: Final = _LIVE % "r.id = ANY(CAST(:ids AS uuid[]))"
_OF_EITHER: Final = _LIVE % "(r.friend_id = ANY(CAST(:ids AS uuid[])) OR r.customer_id = ANY(CAST(:ids AS uuid[])))"
_LOCK_ACCOUNTS: Final = """
SELECT FROM account WHERE customer_id IN (
  SELECT unnest(ARRAY[customer_id, friend_id]) FROM referral WHERE id = ANY(CAST(:ids AS uuid[])))
ORDER BY customer_id, type FOR UPDATE
"""
_LOCK: Final = "SELECT id FROM referral WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
_SAVE: Final = """
UPDATE referral r SET status = n.status, reason = n.reason, order_uid = n.order_uid, order_id = n.order_id,
                      event_id = n.event_id, matures_at = n.matures_at, decided_at = n.decided_at
FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:reasons AS text[]), CAST(:order_uids AS uuid[]),
            CAST(:order_ids AS text[]), CAST(:event_ids AS text[]), CAST(:matures_at AS timestamptz[]),
            CAST(:decided_at AS timestamptz[]))
  AS n (id, status, reason, order_uid, order_id, event_id, matures_at, decided_at)
WHERE r.id = n.id
"""
# Every paid order counts, whatever it earned; it belongs to whom its customer has become. Postings know its name and
# the event that paid it.
_ORDERS: Final = f"""
WITH customer (root, id) AS (
  SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
  UNION ALL SELECT to_id, from_id FROM customer_alias WHERE to_id = ANY(CAST(:ids AS uuid[]))),
mine (root, order_uid, posting_id, order_id, event_id) AS (
  {owned("p.cause_id, p.id, p.order_id, p.event_id", "p.kind = 'earned' AND p.order_id IS NOT NULL")}
  UNION ALL SELECT root, order_uid, NULL, NULL, NULL FROM ({UNREWARDED}) AS unrewarded),
paid AS (
  SELECT DISTINCT ON (root, order_uid) root, order_uid, order_id, event_id FROM mine
  ORDER BY root, order_uid, posting_id)
SELECT p.root, o.paid_at, o.order_uid, p.order_id, p.event_id, o.currency, o.total_minor,
       (SELECT jsonb_agg(jsonb_build_array(r->>1, r->3)) FROM jsonb_array_elements(o.refunds) AS r
        WHERE r->>2 = o.currency) AS refunds
FROM paid p JOIN order_earning o USING (order_uid) WHERE o.paid_at IS NOT NULL
"""  # noqa: S608
_TWINS: Final = """
INSERT INTO referral_twin (first_id, second_id, at)
SELECT * FROM unnest(CAST(:firsts AS uuid[]), CAST(:seconds AS uuid[]), CAST(:at AS timestamptz[])) ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
_PAGE: Final = f"""
SELECT {COLUMNS} FROM referral r
WHERE (CAST(:customer_id AS uuid) IS NULL OR r.customer_id = :customer_id)
  AND (CAST(:status AS text) IS NULL OR r.status = :status)
  AND (CAST(:after AS uuid) IS NULL OR r.id < :after)
ORDER BY r.id DESC LIMIT :limit
"""  # noqa: S608


class Live(NamedTuple):
    """A referral that may still change, locked; and whether the two share an identifier."""

    referral: Referral
    is_same_person: bool


async def make_code(tx: Transaction, customer_id: UUID, code: str, at: datetime) -> None:
    """Give a customer a code of his own, if he has none and nobody has this one."""
    await tx.execute(_MAKE_CODE, code=code, customer_id=customer_id, at=at)


async def code_of(tx: Transaction, customer_id: UUID) -> str | None:
    """A customer's own code."""
    code: str | None = await tx.scalar(_CODE_OF, customer_id=customer_id)
    return code


async def owner(tx: Transaction, code: str) -> UUID | None:
    """Whose code this is."""
    found: UUID | None = await tx.scalar(_OWNER, code=code)
    return found


async def one_at_a_time(tx: Transaction) -> None:
    """Let no other code be used until the commit."""
    await tx.execute(_SERIALISE, key=CLAIMS_LOCK)


async def claim_of(
    tx: Transaction, referrer_id: UUID, friend_id: UUID, *, since: datetime, now: datetime, has_ordered: bool
) -> Claim:
    """What is known of the two; friends brought after `since` are recent."""
    row = await tx.one(_CLAIM, referrer_id=referrer_id, friend_id=friend_id, since=since)
    return Claim(
        is_self=row.is_self,
        is_same_person=row.is_same_person,
        closes_ring=row.closes_ring,
        is_referred=row.is_referred,
        has_ordered=has_ordered,
        known_for=now - (row.known_at or now),
        recent=row.recent,
        ever=row.ever,
    )


async def before(tx: Transaction, referrer_id: UUID, friend_id: UUID, reason: Reason | None) -> Referral | None:
    """What the same friend got for the same code before: accepted, or refused for the same reason."""
    row = await tx.first(_BEFORE, referrer_id=referrer_id, friend_id=friend_id, reason=reason)
    return row and referral_of(row)


async def insert(tx: Transaction, referral: Referral, code: str) -> None:
    """Keep a new referral, accepted or refused."""
    await tx.execute(
        _INSERT,
        id=referral.id,
        referrer_id=referral.referrer_id,
        friend_id=referral.friend_id,
        claimed_at=referral.claimed_at,
        expires_at=referral.expires_at,
        is_accepted=referral.status is not Status.REJECTED,
        code=code,
        rule=referral.rule,
        status=referral.status.value,
        reason=referral.reason,
    )


async def live_of_friends(tx: Transaction, friend_ids: Collection[UUID]) -> list[Live]:
    """The referrals of these friends that may still change, locked in id order."""
    return _live(await tx.all(_OF_FRIENDS, ids=list(friend_ids)))


async def live_of_either(tx: Transaction, customer_ids: Collection[UUID]) -> list[Live]:
    """The same, whichever side they are on."""
    return _live(await tx.all(_OF_EITHER, ids=list(customer_ids)))


async def live(tx: Transaction, ids: Collection[UUID]) -> list[Live]:
    """The same, by their own ids."""
    return _live(await tx.all(_BY_ID, ids=list(ids)))


async def lock(tx: Transaction, ids: Collection[UUID]) -> None:
    """Lock the accounts of both sides and then the referrals, each in order: who earns holds his account by then.

    Merges are held off, so the two stay who they are.
    """
    await tx.execute(_LOCK_ACCOUNTS, ids=list(ids))
    await tx.execute(_LOCK, ids=list(ids))


async def save(tx: Transaction, referrals: Sequence[Referral], decided_at: Mapping[UUID, datetime]) -> None:
    """Keep what referrals have come to."""
    await tx.execute(
        _SAVE,
        ids=[one.id for one in referrals],
        statuses=[one.status.value for one in referrals],
        reasons=[one.reason and one.reason.value for one in referrals],
        order_uids=[one.order_uid for one in referrals],
        order_ids=[one.order_id for one in referrals],
        event_ids=[one.event_id for one in referrals],
        matures_at=[one.matures_at for one in referrals],
        decided_at=[decided_at[one.id] for one in referrals],
    )


async def orders(tx: Transaction, customer_ids: Iterable[UUID]) -> Mapping[UUID, list[Order]]:
    """All orders that count of each customer, with their refunds; those of customers merged into him included."""
    found: dict[UUID, list[Order]] = {}
    rows: Sequence[Any] = await tx.all(_ORDERS, ids=list(customer_ids))
    for row in rows:
        refunds = tuple(Refund(datetime.fromisoformat(at), amount) for at, amount in row.refunds or ())
        order = Order(row.paid_at, row.order_uid, row.order_id, row.event_id, row.currency, row.total_minor, refunds)
        found.setdefault(row.root, []).append(order)
    return found


async def note_twins(tx: Transaction, pairs: Collection[tuple[UUID, UUID, datetime]]) -> None:
    """Keep who shares an identifier with whom."""
    ordered = [(min(a, b), max(a, b), at) for a, b, at in pairs]
    firsts, seconds, at = map(list, zip(*ordered, strict=True))
    await tx.execute(_TWINS, firsts=firsts, seconds=seconds, at=at)


async def page(
    tx: Transaction, customer_id: UUID | None, *, status: str | None, after: UUID | None, limit: int
) -> list[Referral]:
    """Referrals by one customer or by all, the latest first."""
    rows = await tx.all(_PAGE, customer_id=customer_id, status=status, after=after, limit=limit)
    return [referral_of(row) for row in rows]


def _live(rows: Sequence[Row[Any]]) -> list[Live]:
    return [Live(referral_of(row), row.is_same_person) for row in rows]


def referral_of(row: Any) -> Referral:
    """A referral from a row of `COLUMNS`."""
    return Referral(
        id=row.id,
        referrer_id=row.customer_id,
        friend_id=row.friend_id,
        rule=row.rule,
        claimed_at=row.claimed_at,
        expires_at=row.expires_at,
        status=Status(row.status),
        reason=Reason(row.reason) if row.reason else None,
        order_uid=row.order_uid,
        order_id=row.order_id,
        event_id=row.event_id,
        matures_at=row.matures_at,
    )
