"""All SQL of occasions, set-based."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from customer_svc.occasions.dates import Birthday, Due, Person, Watch
from moat.kit.db.transaction import Transaction

_LOAD: Final = """
SELECT customer_id, customer_since, birthdays_told_until, anniversaries_told_until, next_due_at, born_month, born_day,
       calendar, zone
FROM occasion_watch WHERE customer_id = ANY(CAST(:ids AS uuid[]))
"""
_SAVE: Final = """
INSERT INTO occasion_watch (customer_id, customer_since, birthdays_told_until, anniversaries_told_until, next_due_at,
                            born_month, born_day, calendar, zone)
SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:since AS timestamptz[]), CAST(:birthdays AS timestamptz[]),
                     CAST(:anniversaries AS timestamptz[]), CAST(:next_due_at AS timestamptz[]),
                     CAST(:months AS smallint[]), CAST(:days AS smallint[]), CAST(:calendars AS text[]),
                     CAST(:zones AS text[]))
ON CONFLICT (customer_id) DO UPDATE SET
  customer_since = excluded.customer_since, birthdays_told_until = excluded.birthdays_told_until,
  anniversaries_told_until = excluded.anniversaries_told_until, next_due_at = excluded.next_due_at,
  born_month = excluded.born_month, born_day = excluded.born_day, calendar = excluded.calendar, zone = excluded.zone
"""
# What was told before does not come back.
_TELL: Final = """
INSERT INTO occasion_told (customer_id, kind, year, days_ahead, occurs_on, at)
SELECT *, :at FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:years AS integer[]),
                          CAST(:ahead AS integer[]), CAST(:occurs_on AS date[]))
ON CONFLICT DO NOTHING RETURNING customer_id, kind, year, days_ahead
"""
_MOVE_TOLD: Final = """
INSERT INTO occasion_told (customer_id, kind, year, days_ahead, occurs_on, at)
SELECT m.into_id, t.kind, t.year, t.days_ahead, t.occurs_on, t.at
FROM occasion_told t JOIN unnest(CAST(:from_ids AS uuid[]), CAST(:into_ids AS uuid[])) AS m (from_id, into_id)
  ON t.customer_id = m.from_id
ON CONFLICT DO NOTHING
"""
_END_TOLD: Final = "DELETE FROM occasion_told WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
_END: Final = "DELETE FROM occasion_watch WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
_TOLD: Final = """
SELECT kind, year, min(at) AS at FROM occasion_told
WHERE customer_id = :customer_id AND occurs_on >= :from_date GROUP BY kind, year
"""


class Watched(NamedTuple):
    """A watch, and where its timer stands."""

    watch: Watch
    next_due_at: datetime | None


async def load(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, Watched]:
    """The watches of these customers."""
    return {row.customer_id: _watched(row) for row in await tx.all(_LOAD, ids=list(ids))}


async def save(tx: Transaction, watched: Mapping[UUID, Watched]) -> None:
    """Write watches, in the order of their customers."""
    ids = sorted(watched)
    watches = [watched[id_].watch for id_ in ids]
    birthdays = [watch.person.birthday for watch in watches]
    await tx.execute(
        _SAVE,
        ids=ids,
        since=[watch.person.customer_since for watch in watches],
        birthdays=[watch.birthdays_told_until for watch in watches],
        anniversaries=[watch.anniversaries_told_until for watch in watches],
        next_due_at=[watched[id_].next_due_at for id_ in ids],
        months=[birthday and birthday.month for birthday in birthdays],
        days=[birthday and birthday.day for birthday in birthdays],
        calendars=[birthday and birthday.calendar for birthday in birthdays],
        zones=[watch.person.zone for watch in watches],
    )


async def tell(tx: Transaction, due: Sequence[tuple[UUID, Due]], at: datetime) -> list[tuple[UUID, Due]]:
    """Note that these are told now; those that were not told before, in their order."""
    rows = await tx.all(
        _TELL,
        ids=[id_ for id_, _ in due],
        kinds=[one.what.kind for _, one in due],
        years=[one.what.year for _, one in due],
        ahead=[one.days_ahead for _, one in due],
        occurs_on=[one.what.occurs_on for _, one in due],
        at=at,
    )
    new = {(row.customer_id, row.kind, row.year, row.days_ahead) for row in rows}
    return [(id_, one) for id_, one in due if (id_, one.what.kind, one.what.year, one.days_ahead) in new]


async def end(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """What was told to customers who were merged away was told to the survivors; their watches end: (from, into)."""
    gone = [from_id for from_id, _ in pairs]
    await tx.execute(_MOVE_TOLD, from_ids=gone, into_ids=[into_id for _, into_id in pairs])
    await tx.execute(_END_TOLD, ids=gone)
    await tx.execute(_END, ids=gone)


async def told(tx: Transaction, customer_id: UUID, from_date: date) -> dict[tuple[str, int], datetime]:
    """When the days from a date on were first told: (kind, year) → instant."""
    rows: Sequence[Any] = await tx.all(_TOLD, customer_id=customer_id, from_date=from_date)
    return {(row.kind, row.year): row.at for row in rows}


def _watched(row: Any) -> Watched:
    birthday = None if row.born_month is None else Birthday(row.born_month, row.born_day, row.calendar)
    person = Person(birthday, row.zone, row.customer_since)
    return Watched(Watch(person, row.birthdays_told_until, row.anniversaries_told_until), row.next_due_at)
