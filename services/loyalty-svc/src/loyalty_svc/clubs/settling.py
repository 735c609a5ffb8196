"""What every door of clubs ends in: memberships judged anew by all their facts, and what follows from that.

What stands follows from the facts as they are now, so facts, refunds and merges in any order end in the same. Rows are
locked before the facts are read: of two who tell of one member the second sees what the first has added.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty_svc.clubs import announcing, queries
from loyalty_svc.clubs.changes import tales
from loyalty_svc.clubs.club import CLUBS, Club, Value, Versions
from loyalty_svc.clubs.histories import GROWTH, History
from loyalty_svc.clubs.queries import Kept, Member, NewFact
from loyalty_svc.clubs.stays import Stay, walk
from loyalty_svc.clubs.tables import BACK, DUE
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, Programmes, zone_at
from loyalty_svc.milestones import queries as milestones
from loyalty_svc.tiers import queries as tiers
from moat.kit.db.transaction import Transaction
from moat.kit.documents import valid_at, versions_of_two
from moat.kit.events import Event
from moat.kit.timers import clear_timers, set_timers


class Known(NamedTuple):
    """Every version of the clubs and of the programme."""

    clubs: Versions
    programmes: Programmes

    def zone_at(self, at: datetime) -> ZoneInfo:
        """Where the programme counted its days then."""
        return zone_at(self.programmes, at)

    def club_at(self, code: str, at: datetime) -> Club | None:
        """The club as it takes members at an instant."""
        version = valid_at(self.clubs.get(code, ()), at)
        return version.value if version else None

    def values(self, code: str) -> list[Value]:
        """What any version of the club asks to be reached."""
        return [one.value.value for one in self.clubs.get(code, ()) if one.value.value is not None]


async def known(tx: Transaction) -> Known:
    """All documents that clubs read, in one statement."""
    clubs, programmes = await versions_of_two(tx, CLUBS, PROGRAMMES)
    return Known(clubs, programmes.get(PROGRAMME, ()))


async def histories(tx: Transaction, values: Collection[Value], customer_ids: Collection[UUID]) -> dict[UUID, History]:
    """What these customers have come to, as far as the values ask for it."""
    if not values or not customer_ids:
        return {}
    types = {value.of for value in values if value.of is not None}
    asks_more = any(value.condition is not None for value in values)
    if asks_more:
        types.add(GROWTH)
    gains = {type_: await tiers.gains(tx, customer_ids, type_) for type_ in sorted(types)}
    needs_orders = asks_more or any(value.of is None for value in values)
    orders = await milestones.orders(tx, customer_ids) if needs_orders else {}
    return {
        id_: History.of({type_: found.get(id_, []) for type_, found in gains.items()}, orders.get(id_, ()))
        for id_ in customer_ids
    }


async def settle(
    tx: Transaction,
    documents: Known,
    causes: Mapping[Member, Event[Any] | None],
    *,
    now: datetime,
    fresh: Sequence[NewFact] = (),
    orders: Collection[UUID] = (),
) -> dict[Member, Kept]:
    """Judge these memberships anew, with facts that are new and orders that may have been given back; what they are."""
    before = await queries.hold(tx, causes)
    if fresh:
        await queries.add(tx, fresh, now=now)
    if orders:
        await queries.follow_orders(tx, orders)
    stays = await _judged(tx, documents, causes, now)
    after: dict[Member, Kept] = {}
    for member, kept in before.items():
        stay, cause = stays[member], causes[member]
        for tale in tales(kept.stay, stay):
            announcing.tell(tx, member, tale, cause, now)
        after[member] = Kept(stay, kept.reminded_for)
        if stay is not None and _is_to_be_reminded(stay, kept.reminded_for, now):
            announcing.remind(tx, member, stay, cause)
            after[member] = Kept(stay, stay.ends_at)
    await queries.save(tx, after)
    await _set_timers(tx, after)
    back = [member for member, kept in after.items() if _is_back(before[member].stay, kept.stay, now)]
    await set_timers(tx, BACK, [(key_of(member), now, {}) for member in back])
    return after


async def _judged(
    tx: Transaction, documents: Known, members: Iterable[Member], now: datetime
) -> dict[Member, Stay | None]:
    found = await queries.facts(tx, members)
    values = {member: documents.values(member.club) for member in members}
    asked = [value for some in values.values() for value in some]
    past = await histories(tx, asked, {member.customer_id for member, some in values.items() if some})
    judge = partial(walk, now=now, zone_at=documents.zone_at)
    nothing = History()
    return {
        member: judge(
            documents.clubs.get(member.club, ()), found.get(member, []), past.get(member.customer_id, nothing)
        )
        for member in members
    }


def _is_to_be_reminded(stay: Stay, reminded_for: datetime | None, now: datetime) -> bool:
    is_time = stay.is_open and stay.remind_at is not None and stay.remind_at <= now
    return is_time and stay.ends_at != reminded_for


def _is_back(before: Stay | None, after: Stay | None, now: datetime) -> bool:
    """Whether he had been a member once, was none, and is one now."""
    return before is not None and not before.is_member(now) and after is not None and after.is_member(now)


async def _set_timers(tx: Transaction, kept: Mapping[Member, Kept]) -> None:
    """The next instant at which time alone changes something: the reminder, or the end of the days of grace."""
    due: list[tuple[str, datetime, Mapping[str, Any]]] = []
    idle: list[str] = []
    for member, (stay, reminded_for) in kept.items():
        if stay is None or not stay.is_open or stay.lapses_at is None:
            idle.append(key_of(member))
        elif stay.remind_at is not None and reminded_for != stay.ends_at:
            due.append((key_of(member), stay.remind_at, {}))
        else:
            due.append((key_of(member), stay.lapses_at, {}))
    await set_timers(tx, DUE, due)
    await clear_timers(tx, DUE, idle)


def key_of(member: Member) -> str:
    """The key of a membership's timer."""
    return f"{member.customer_id}/{member.club}"


def member_of(key: str) -> Member:
    """Whose timer it is."""
    customer_id, _, club = key.partition("/")
    return Member(UUID(customer_id), club)
