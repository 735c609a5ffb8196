"""All SQL of profiles, set-based. Figures, which change with every order, are written apart from what people edit."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from customer_svc.profiles.folding import FIELDS, File
from customer_svc.profiles.names import folded, grams
from moat.kit.db.transaction import Transaction

_COLUMNS: Final = (
    "customer_id, name, gender, birthday, birthday_calendar, locale, zone, emails, phones, owner_id, stamps, "
    "first_seen_at, orders_count, spent, first_order_at, last_order_at, version"
)
_LOAD: Final = f"SELECT {_COLUMNS} FROM profile WHERE customer_id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608
_FIGURES: Final = """
unnest(CAST(:ids AS uuid[]), CAST(:first_seen_at AS timestamptz[]), CAST(:counts AS bigint[]), CAST(:spent AS jsonb[]),
       CAST(:first_order_at AS timestamptz[]), CAST(:last_order_at AS timestamptz[]))
"""
_INSERT: Final = f"""
INSERT INTO profile (customer_id, first_seen_at, orders_count, spent, first_order_at, last_order_at)
SELECT * FROM {_FIGURES}
"""  # noqa: S608
_UPDATE_FIGURES: Final = f"""
UPDATE profile p SET first_seen_at = n.first_seen_at, orders_count = n.orders_count, spent = n.spent,
                     first_order_at = n.first_order_at, last_order_at = n.last_order_at
FROM {_FIGURES} AS n (customer_id, first_seen_at, orders_count, spent, first_order_at, last_order_at)
WHERE p.customer_id = n.customer_id
"""  # noqa: S608
_UPDATE_FIELDS: Final = """
UPDATE profile p SET name = n.name, gender = n.gender, birthday = n.birthday,
                     birthday_calendar = n.birthday_calendar, locale = n.locale, zone = n.zone,
                     emails = n.emails, phones = n.phones, owner_id = n.owner_id, stamps = n.stamps,
                     folded_name = n.folded_name, grams = n.grams, version = p.version + n.version_steps
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS n (
  customer_id uuid, name text, gender text, birthday text, birthday_calendar text, locale text, zone text,
  emails text[], phones text[], owner_id text, stamps jsonb, folded_name text, grams text[], version_steps bigint)
WHERE p.customer_id = n.customer_id
"""
_KNOW: Final = """
UPDATE known_customer k SET locale = p.locale, zone = p.zone FROM profile p
WHERE k.customer_id = p.customer_id AND p.customer_id = ANY(CAST(:ids AS uuid[]))
  AND (k.locale, k.zone) IS DISTINCT FROM (p.locale, p.zone)
"""
_END: Final = (
    "DELETE FROM profile WHERE customer_id = ANY(CAST(:ids AS uuid[])) RETURNING customer_id, to_jsonb(profile) AS held"
)
_PAGE: Final = f"""
SELECT {_COLUMNS} FROM profile
WHERE (CAST(:after AS uuid) IS NULL OR customer_id < :after) ORDER BY customer_id DESC LIMIT :limit
"""  # noqa: S608
_SEARCH: Final = f"""
SELECT {_COLUMNS} FROM profile
WHERE (CAST(:after AS uuid) IS NULL OR customer_id < :after)
  AND ((grams @> CAST(:grams AS text[]) AND folded_name LIKE :pattern)
       OR grams && CAST(:addresses AS text[]) OR customer_id = ANY(CAST(:ids AS uuid[])))
ORDER BY customer_id DESC LIMIT :limit
"""  # noqa: S608


async def load(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, File]:
    """The files of these customers."""
    return {row.customer_id: file_of(row) for row in await tx.all(_LOAD, ids=list(ids))}


async def save(tx: Transaction, files: Collection[File]) -> None:
    """Write what has changed."""
    new = [file for file in files if file.is_new]
    if new:
        await tx.execute(_INSERT, **_figures(new))
    if counted := [file for file in files if file.figures_changed and not file.is_new]:
        await tx.execute(_UPDATE_FIGURES, **_figures(counted))
    if edited := [file for file in files if file.fields_changed]:
        await tx.execute(_UPDATE_FIELDS, rows=json.dumps([_fields(file) for file in edited]))
        await tx.execute(_KNOW, ids=[file.customer_id for file in edited])


async def end(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Delete the files of customers who were merged away; what they held."""
    return {row.customer_id: row.held for row in await tx.all(_END, ids=list(ids))}


async def page(tx: Transaction, *, after: UUID | None, limit: int) -> Sequence[File]:
    """All customers, the newest first."""
    return [file_of(row) for row in await tx.all(_PAGE, after=after, limit=limit)]


async def search(
    tx: Transaction,
    *,
    grams: Sequence[str],
    pattern: str,
    addresses: Sequence[str],
    ids: Sequence[UUID],
    after: UUID | None,
    limit: int,
) -> Sequence[File]:
    """Customers whose name holds the pattern, who have one of the addresses, or one of these ids; the newest first."""
    rows = await tx.all(
        _SEARCH,
        grams=list(grams),
        pattern=pattern,
        addresses=list(addresses),
        ids=list(ids),
        after=after,
        limit=limit,
    )
    return [file_of(row) for row in rows]


def file_of(row: Any) -> File:
    """A row as the heart knows it."""
    return File(
        customer_id=row.customer_id,
        fields={
            "name": row.name,
            "gender": row.gender,
            "birthday": row.birthday,
            "birthday_calendar": row.birthday_calendar,
            "locale": row.locale,
            "zone": row.zone,
            "emails": tuple(row.emails),
            "phones": tuple(row.phones),
        },
        stamps=row.stamps,
        owner_id=row.owner_id,
        first_seen_at=row.first_seen_at,
        orders_count=row.orders_count,
        spent=row.spent,
        first_order_at=row.first_order_at,
        last_order_at=row.last_order_at,
        version=row.version,
    )


def _figures(files: Sequence[File]) -> dict[str, list[Any]]:
    return {
        "ids": [file.customer_id for file in files],
        "first_seen_at": [file.first_seen_at for file in files],
        "counts": [file.orders_count for file in files],
        "spent": [json.dumps(file.spent) for file in files],
        "first_order_at": [file.first_order_at for file in files],
        "last_order_at": [file.last_order_at for file in files],
    }


def _fields(file: File) -> dict[str, Any]:
    values = {name: file.fields.get(name) for name in FIELDS}
    emails, phones = values["emails"] or (), values["phones"] or ()
    return {
        **values,
        "customer_id": str(file.customer_id),
        "emails": list(emails),
        "phones": list(phones),
        "owner_id": file.owner_id,
        "stamps": file.stamps,
        "folded_name": folded(values["name"] or ""),
        "grams": grams(values["name"], [*emails, *phones]),
        "version_steps": file.version_steps,
    }
