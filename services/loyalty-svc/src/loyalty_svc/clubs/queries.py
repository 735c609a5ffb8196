"""All SQL of clubs, set-based. Rows of `club_membership` are locked in the order of keys, facts are read after."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.clubs.stays import Fact, Stay
from moat.kit.db.transaction import Transaction

_KEYS: Final = "unnest(CAST(:ids AS uuid[]), CAST(:clubs AS text[]))"
_STAY: Final = """m.customer_id, m.club, m.reminded_for, m.joined_at, m.renewed_at, m.way, m.rule, m.ends_at,
  m.lapses_at, m.remind_at, m.ended_at, m.ended_by"""
# Locked in the order of the key whether they are new or not.
_HOLD: Final = f"""
INSERT INTO club_membership AS m (customer_id, club)
SELECT k.id, k.club FROM {_KEYS} AS k (id, club) ORDER BY k.id, k.club COLLATE "C"
ON CONFLICT (customer_id, club) DO UPDATE SET club = excluded.club
RETURNING {_STAY}
"""  # noqa: S608
_LOCK: Final = f"""
SELECT FROM club_membership m JOIN {_KEYS} AS k (id, club) ON (m.customer_id, m.club) = (k.id, k.club)
ORDER BY m.customer_id, m.club FOR UPDATE OF m
"""
_OF_CUSTOMERS: Final = f"""
SELECT {_STAY} FROM club_membership m WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND joined_at IS NOT NULL
ORDER BY customer_id, club
"""  # noqa: S608
_MEMBERS: Final = f"""
SELECT {_STAY} FROM club_membership m
WHERE club = :club AND joined_at IS NOT NULL AND (CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid))
  AND (NOT :only_members OR (ended_at IS NULL AND (lapses_at IS NULL OR lapses_at > :now)))
ORDER BY customer_id LIMIT :limit
"""  # noqa: S608
_ADD: Final = """
INSERT INTO club_fact (id, customer_id, at, noted_at, terms, club, kind, rule, actor, reason, event_id, order_id,
                       bought)
SELECT t.id, t.customer_id, t.at, :now, t.terms, t.club, t.kind, t.rule, t.actor, t.reason, t.event_id, t.order_id,
       t.bought
FROM unnest(CAST(:fact_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:at AS timestamptz[]), CAST(:terms AS integer[]),
            CAST(:clubs AS text[]), CAST(:kinds AS text[]), CAST(:rules AS text[]), CAST(:actors AS text[]),
            CAST(:reasons AS text[]), CAST(:event_ids AS text[]), CAST(:order_ids AS text[]), CAST(:bought AS jsonb[]))
  AS t (id, customer_id, at, terms, club, kind, rule, actor, reason, event_id, order_id, bought)
ORDER BY t.id, t.club COLLATE "C" ON CONFLICT (id, club) DO NOTHING
"""
# What earning knows of the order by now: its refunds in its own currency, with the lines that they name. Pieces that
# came back take their terms with them, all money that went back takes everything; a term above what one order may pay
# for goes first.
_FOLLOW_ORDERS: Final = """
WITH refund AS (
  SELECT o.order_uid, CAST(r->>3 AS bigint) AS minor, r->5 AS lines
  FROM order_earning o, jsonb_array_elements(o.refunds) AS r
  WHERE o.order_uid = ANY(CAST(:orders AS uuid[])) AND r->>2 = o.currency),
returned AS (
  SELECT r.order_uid, l->>0 AS sku, sum(CAST(l->>3 AS bigint)) AS pieces
  FROM refund r, jsonb_array_elements(r.lines) AS l GROUP BY 1, 2),
known AS (
  SELECT f.id, f.club, o.total_minor > 0 AND o.total_minor <= coalesce((
           SELECT sum(r.minor) FROM refund r WHERE r.order_uid = o.order_uid), 0) AS is_whole,
         least(f.terms, coalesce((
           SELECT sum(greatest(0, CAST(b.pieces AS bigint) - coalesce(r.pieces, 0)))
           FROM jsonb_each_text(f.bought) AS b (sku, pieces)
           LEFT JOIN returned r ON r.order_uid = f.id AND r.sku = b.sku), f.terms))::integer AS kept
  FROM club_fact f JOIN order_earning o ON o.order_uid = f.id
  WHERE f.id = ANY(CAST(:orders AS uuid[])) AND f.kind = 'paid' AND o.paid_at IS NOT NULL)
UPDATE club_fact f SET is_undone = k.is_whole OR k.kept = 0, terms_back = f.terms - k.kept FROM known k
WHERE (f.id, f.club) = (k.id, k.club)
  AND (f.is_undone, f.terms_back) <> (k.is_whole OR k.kept = 0, f.terms - k.kept)
"""
_PAID_BY: Final = "SELECT id, customer_id, club FROM club_fact WHERE id = ANY(CAST(:ids AS uuid[])) AND kind = 'paid'"
_FACTS: Final = f"""
SELECT f.customer_id, f.club, f.at, f.kind, f.id, f.terms - f.terms_back, f.rule
FROM {_KEYS} AS k (id, club) JOIN club_fact f ON f.customer_id = k.id AND f.club = k.club
WHERE NOT f.is_undone AND NOT f.is_void
"""  # noqa: S608
_HISTORY: Final = """
SELECT id, at, noted_at, kind, terms - terms_back AS terms, rule, reason, order_id,
       is_undone OR is_void AS is_undone
FROM club_fact
WHERE customer_id = :customer_id AND club = :club
  AND (CAST(:after_at AS timestamptz) IS NULL OR (at, id) < (:after_at, CAST(:after_id AS uuid)))
ORDER BY at DESC, id DESC LIMIT :limit
"""
_SAVE: Final = """
UPDATE club_membership m SET
  reminded_for = t.reminded_for, joined_at = t.joined_at, renewed_at = t.renewed_at, way = t.way, rule = t.rule,
  ends_at = t.ends_at, lapses_at = t.lapses_at, remind_at = t.remind_at, ended_at = t.ended_at, ended_by = t.ended_by
FROM unnest(CAST(:ids AS uuid[]), CAST(:clubs AS text[]), CAST(:reminded AS timestamptz[]),
            CAST(:joined_at AS timestamptz[]), CAST(:renewed_at AS timestamptz[]), CAST(:ways AS text[]),
            CAST(:rules AS text[]), CAST(:ends_at AS timestamptz[]), CAST(:lapses_at AS timestamptz[]),
            CAST(:remind_at AS timestamptz[]), CAST(:ended_at AS timestamptz[]), CAST(:ended_by AS text[]))
  AS t (id, club, reminded_for, joined_at, renewed_at, way, rule, ends_at, lapses_at, remind_at, ended_at, ended_by)
WHERE (m.customer_id, m.club) = (t.id, t.club)
"""
_VOID: Final = "UPDATE club_fact SET is_void = true WHERE customer_id = :customer_id AND club = :club"
_MOVE_FACTS: Final = "UPDATE club_fact SET customer_id = :into_id WHERE customer_id = :from_id"
_FORGET: Final = "DELETE FROM club_membership WHERE customer_id = :customer_id"


class Member(NamedTuple):
    """One customer in one club."""

    customer_id: UUID
    club: str


class Kept(NamedTuple):
    """What one membership had come to, and the end that the member was told of last."""

    stay: Stay | None
    reminded_for: datetime | None = None


class NewFact(NamedTuple):
    """A fact to keep; `actor` did it over HTTP, else `event_id` told of it. bought: pieces that paid, by SKU."""

    member: Member
    fact: Fact
    actor: str | None = None
    reason: str | None = None
    event_id: str | None = None
    order_id: str | None = None
    bought: Mapping[str, int] | None = None


async def hold(tx: Transaction, members: Collection[Member]) -> dict[Member, Kept]:
    """Lock these until the commit, so that nobody else judges their facts; those that are new are made."""
    return _kept(await tx.all(_HOLD, **_keys(members)))


async def lock(tx: Transaction, members: Collection[Member]) -> None:
    """Lock those that are there."""
    await tx.execute(_LOCK, **_keys(members))


async def of_customers(tx: Transaction, customer_ids: Iterable[UUID]) -> dict[Member, Kept]:
    """Every membership that these customers have or had."""
    return _kept(await tx.all(_OF_CUSTOMERS, ids=list(customer_ids)))


async def members_of(
    tx: Transaction, club: str, *, after: UUID | None, limit: int, only_members: bool, now: datetime
) -> list[tuple[Member, Stay]]:
    """Who is or was in a club, by customer."""
    rows = await tx.all(_MEMBERS, club=club, after=after, limit=limit, only_members=only_members, now=now)
    return [(member, kept.stay) for member, kept in _kept(rows).items() if kept.stay is not None]


async def add(tx: Transaction, facts: Sequence[NewFact], *, now: datetime) -> None:
    """Keep these facts; what is known already stays as it is."""
    await tx.execute(
        _ADD,
        now=now,
        fact_ids=[one.fact.id for one in facts],
        at=[one.fact.at for one in facts],
        terms=[one.fact.terms for one in facts],
        kinds=[one.fact.kind for one in facts],
        rules=[one.fact.rule for one in facts],
        actors=[one.actor for one in facts],
        reasons=[one.reason for one in facts],
        event_ids=[one.event_id for one in facts],
        order_ids=[one.order_id for one in facts],
        bought=[None if one.bought is None else json.dumps(one.bought) for one in facts],
        **_keys([one.member for one in facts]),
    )


async def follow_orders(tx: Transaction, order_uids: Collection[UUID]) -> None:
    """Bring up to date what of these orders was given back."""
    await tx.execute(_FOLLOW_ORDERS, orders=sorted(order_uids))


async def paid_by(tx: Transaction, order_uids: Collection[UUID]) -> list[tuple[UUID, Member]]:
    """(order, member) wherever these orders paid for a membership."""
    rows: Sequence[Any] = await tx.all(_PAID_BY, ids=list(order_uids))
    return [(row[0], Member(row[1], row[2])) for row in rows]


async def facts(tx: Transaction, members: Iterable[Member]) -> dict[Member, list[Fact]]:
    """Every fact that counts, of each."""
    found: dict[Member, list[Fact]] = {}
    rows: Sequence[Any] = await tx.all(_FACTS, **_keys(members))
    for customer_id, club, *fact in rows:
        found.setdefault(Member(customer_id, club), []).append(Fact(*fact))
    return found


async def facts_of(
    tx: Transaction, member: Member, *, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row[Any]]:
    """Why a membership is what it is, the latest first; what fell away too."""
    after_at, after_id = after or (None, None)
    return await tx.all(_HISTORY, **member._asdict(), after_at=after_at, after_id=after_id, limit=limit)


async def save(tx: Transaction, kept: Mapping[Member, Kept]) -> None:
    """Keep what these memberships, which are held, come to."""
    stays = [one.stay for one in kept.values()]
    await tx.execute(
        _SAVE,
        reminded=[one.reminded_for for one in kept.values()],
        joined_at=[stay and stay.joined_at for stay in stays],
        renewed_at=[stay and stay.renewed_at for stay in stays],
        ways=[stay and stay.way for stay in stays],
        rules=[stay and stay.rule for stay in stays],
        ends_at=[stay and stay.ends_at for stay in stays],
        lapses_at=[stay and stay.lapses_at for stay in stays],
        remind_at=[stay and stay.remind_at for stay in stays],
        ended_at=[stay and stay.ended_at for stay in stays],
        ended_by=[stay and stay.ended_by for stay in stays],
        **_keys(kept),
    )


async def void(tx: Transaction, member: Member) -> None:
    """What he did counts no more: another customer, who he turned out to be, is a member by himself."""
    await tx.execute(_VOID, **member._asdict())


async def move_facts(tx: Transaction, from_id: UUID, into_id: UUID) -> None:
    """What a merged customer did and paid is the survivor's."""
    await tx.execute(_MOVE_FACTS, from_id=from_id, into_id=into_id)


async def forget(tx: Transaction, customer_id: UUID) -> None:
    """The memberships of a customer who was merged away."""
    await tx.execute(_FORGET, customer_id=customer_id)


def _kept(rows: Sequence[Any]) -> dict[Member, Kept]:
    return {
        Member(row[0], row[1]): Kept(None if row.joined_at is None else Stay(*row[3:]), row.reminded_for)
        for row in rows
    }


def _keys(members: Iterable[Member]) -> dict[str, list[Any]]:
    keys = list(members)
    return {"ids": [key.customer_id for key in keys], "clubs": [key.club for key in keys]}
