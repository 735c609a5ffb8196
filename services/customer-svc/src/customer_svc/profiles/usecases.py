"""Editing and finding files, inside the transaction they are given."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from customer_svc.identity import queries as identities
from customer_svc.identity import usecases as identity
from customer_svc.identity.normalising import Identifier, e164, identifier_of
from customer_svc.occasions import usecases as occasions
from customer_svc.occasions.dates import DEFAULT_ZONE, Person, read_birthday
from customer_svc.profiles import queries
from customer_svc.profiles.folding import File, stamp_of, write
from customer_svc.profiles.names import ADDRESS, grams_of_query, like
from customer_svc.timeline import queries as timeline
from customer_svc.timeline.entries import Entry, as_json, kind_of
from moat.contracts.customers import CustomerProfileUpdated
from moat.customers.access import UnknownCustomer
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.problems import PreconditionFailed

SOURCE: Final = "/customer-svc"
Found = Sequence[tuple[File, Sequence[Identifier]]]


async def read(tx: Transaction, customer_id: UUID) -> tuple[File, Sequence[Identifier]]:
    """One customer, or the survivor where he was merged away a moment ago. Raises UnknownCustomer."""
    files = await queries.load(tx, [customer_id])
    if customer_id not in files:
        survivor = (await identities.aliases(tx, [customer_id])).get(customer_id)
        if survivor is None:
            raise UnknownCustomer
        return await read(tx, survivor)
    return files[customer_id], (await identities.identifiers_of(tx, [customer_id])).get(customer_id, ())


async def edit(
    tx: Transaction, customer_id: UUID, changes: Mapping[str, Any], *, version: int, at: datetime
) -> tuple[File, Sequence[Identifier]]:
    """Write fields of FIELDS and `owner_id` into the file that `version` shows.

    Raises UnknownCustomer; PreconditionFailed when somebody else has changed it since.
    """
    survivor = await identity.lock_one(tx, customer_id)
    if survivor is None:
        raise UnknownCustomer
    file, _ = await read(tx, survivor)
    if file.version != version:
        raise PreconditionFailed(version=file.version)
    fields = {name: value for name, value in changes.items() if name != "owner_id"}
    changed = write(file, fields, stamp_of(at, SOURCE, str(uuid4())))
    if "owner_id" in changes and changes["owner_id"] != file.owner_id:
        file.owner_id = changes["owner_id"]
        file.fields_changed, file.version_steps = True, 1
        changed = (*changed, "owner_id")
    await save(tx, [file], at)
    if changed:
        await timeline.add(tx, [announce(tx, file, changed, at=at)])
    return await read(tx, survivor)


async def save(tx: Transaction, files: Collection[File], at: datetime) -> None:
    """Write what has changed, and watch the days of those whose days are other ones now."""
    await queries.save(tx, files)
    people = {file.customer_id: person_of(file) for file in files if file.days_changed and file.first_seen_at}
    await occasions.watch(tx, people, at)


def person_of(file: File) -> Person:
    """What a file says of a customer's days."""
    fields = file.fields
    assert file.first_seen_at is not None
    birthday = read_birthday(fields.get("birthday"), fields.get("birthday_calendar"))
    return Person(birthday, fields.get("zone") or DEFAULT_ZONE, file.first_seen_at)


def announce(
    tx: Transaction, file: File, changed: Sequence[str], *, at: datetime, cause: Event[Any] | None = None
) -> Entry:
    """Publish that fields changed, by name only; the timeline entry that goes with it."""
    told = {name: file.fields[name] for name in ("locale", "zone") if name in changed}
    data = CustomerProfileUpdated(fields=tuple(changed), **told)
    id_ = tx.publish(data, about=file.customer_id, time=at, cause=cause)
    return Entry(
        id=id_,
        customer_id=file.customer_id,
        at=at,
        kind=kind_of(data.TYPE),
        event_id=cause.id if cause else str(id_),
        data=as_json({"fields": list(changed)}),
    )


async def find_by_identifier(tx: Transaction, system: str, kind: str, value: str) -> Found:
    """The customer behind an outside identifier, in any form it may be written; nobody for a blocked value."""
    wanted = identifier_of(system, kind, value)
    if wanted is None:
        return []
    return await _with_identifiers(tx, await _files(tx, (await identities.owners(tx, [wanted])).values()))


async def search(tx: Transaction, query: str, *, after: UUID | None, limit: int) -> Found:
    """Customers by a piece of the name, a phone, an e-mail or any identifier's value; the newest first."""
    text = query.strip()
    pieces = grams_of_query(text)
    if not pieces:
        return []
    values = list(dict.fromkeys((text, text.lower(), e164(text))))
    files = await queries.search(
        tx,
        grams=pieces,
        pattern=like(text),
        addresses=[ADDRESS + value for value in values],
        ids=await identities.with_value(tx, values),
        after=after,
        limit=limit,
    )
    return await _with_identifiers(tx, files)


async def browse(tx: Transaction, *, after: UUID | None, limit: int) -> Found:
    """All customers, the newest first."""
    return await _with_identifiers(tx, await queries.page(tx, after=after, limit=limit))


async def _files(tx: Transaction, ids: Any) -> Sequence[File]:
    return list((await queries.load(tx, list(ids))).values())


async def _with_identifiers(tx: Transaction, files: Sequence[File]) -> Found:
    found = await identities.identifiers_of(tx, [file.customer_id for file in files])
    return [(file, found.get(file.customer_id, ())) for file in files]
