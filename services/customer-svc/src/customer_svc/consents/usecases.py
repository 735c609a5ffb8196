"""Saying yes and no, and how customers may be reached at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from customer_svc.consents import queries
from customer_svc.identity import queries as identities
from customer_svc.identity import usecases as identity
from customer_svc.identity.normalising import Identifier
from customer_svc.profiles import queries as profiles
from customer_svc.profiles.folding import File
from customer_svc.timeline import queries as timeline
from customer_svc.timeline.entries import Entry, kind_of, told_by
from moat.contracts.customers import CustomerConsentChanged
from moat.customers.access import UnknownCustomer
from moat.kit.db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Contact:
    """How one customer may be reached now; `asked` is the id that was asked for, `file` the survivor's."""

    asked: UUID
    file: File
    identifiers: Sequence[Identifier]
    consents: Sequence[Any]

    def addresses(self, kind: str) -> list[str]:
        """E-mails or phones (`email`, `phone`): those of the file first, then those he was identified by."""
        own = self.file.fields.get(f"{kind}s") or ()
        return list(dict.fromkeys([*own, *(i.value for i in self.identifiers if i.kind == kind)]))


async def say(
    tx: Transaction, customer_id: UUID, data: CustomerConsentChanged, evidence: str | None, at: datetime
) -> UUID:
    """Record what a customer says to a purpose over a channel; the survivor's id. Raises UnknownCustomer.

    Saying the same again renews time and evidence, and is no news to others.
    """
    survivor = await identity.lock_one(tx, customer_id)
    if survivor is None:
        raise UnknownCustomer
    former = await queries.put(tx, survivor, data.purpose, data.channel, data.status, evidence, at)
    if former != data.status:
        id_ = tx.publish(data, about=survivor, time=at)
        entry = Entry(id_, survivor, at, kind_of(data.TYPE), str(id_), data=told_by(data))
        await timeline.add(tx, [entry])
    return survivor


async def contacts(tx: Transaction, ids: Sequence[UUID]) -> list[Contact]:
    """Address, locale, zone and consent of each, in the order asked; unknown ids are left out."""
    became = await identities.aliases(tx, ids)
    survivors = {became.get(id_, id_) for id_ in ids}
    files = await profiles.load(tx, survivors)
    identifiers = await identities.identifiers_of(tx, survivors)
    said: Mapping[UUID, list[Any]] = {id_: [] for id_ in survivors}
    for row in await queries.of(tx, survivors):
        said[row.customer_id].append(row)
    return [
        Contact(asked, files[id_], identifiers.get(id_, ()), said[id_])
        for asked in dict.fromkeys(ids)
        if (id_ := became.get(asked, asked)) in files
    ]
