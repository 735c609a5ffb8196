"""Identity inside a transaction: the customers of a batch, locked; and one customer, held against merges."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from customer_svc.identity import queries
from customer_svc.identity.matching import Identifiers, Resolution, in_question, resolve
from customer_svc.identity.merging import Person
from customer_svc.identity.normalising import Identifier
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7
from moat.kit.problems import Unavailable

ATTEMPTS_MAX = 8
"""How often somebody else may be first before the batch is given back to be tried again."""


class IdentityContended(Unavailable):
    """Others keep changing the same customers; on the event path the batch is redone after a pause."""

    code, title = "customers.contended", "The same customers are being changed by others"


Origins = Mapping[Identifier, UUID | None]
"""Of known identifiers whose they were, where merges (this batch's included) have moved them; empty: of none."""


async def settle(tx: Transaction, facts: Sequence[Identifiers], at: datetime) -> tuple[Resolution, Origins]:
    """Find or create the customer of every fact, and lock all who are concerned until the commit.

    New identifiers and customers are written; merges are decided and not yet carried out. Replicas work at the same
    moment: who loses the race for an identifier reads again and finds the winner's customer.
    """
    wanted = dict.fromkeys(identifier for identifiers in facts for identifier in identifiers)
    for _ in range(ATTEMPTS_MAX):
        owners, living, origins = await queries.lock_owners(tx, wanted) if wanted else ({}, {}, {})
        persons = {id_: Person(id_, created_at) for id_, created_at in living.items()}
        if concerned := in_question(facts, owners):
            for id_, strong in (await queries.strong_of(tx, concerned)).items():
                persons[id_].strong = strong
            for one, other in await queries.apart(tx, concerned):
                for id_, from_whom in ((one, other), (other, one)):
                    if id_ in persons:
                        persons[id_].apart.add(from_whom)
        resolution = resolve(facts, owners, persons, at=at, new_id=uuid7)
        if not resolution.added or await queries.claim(tx, resolution.added, at):
            if resolution.created:
                await queries.create(tx, [one.customer_id for one in resolution.created], at)
            return resolution, _origins(owners, origins, {one.from_id for one in resolution.merged})
    raise IdentityContended(retry_after_seconds=1)


def _origins(owners: Mapping[Identifier, UUID], moved: Mapping[Identifier, UUID], gone: set[UUID]) -> Origins:
    if not moved and not gone:
        return {}
    return {one: moved.get(one, owner if owner in gone else None) for one, owner in owners.items()}


async def hold(tx: Transaction, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Keep merges away from these customers until the commit; id → survivor, unknown ids are left out."""
    survivors = {id_: id_ for id_ in ids}
    for _ in range(ATTEMPTS_MAX):
        living = await queries.hold(tx, set(survivors.values()))
        gone = {to for to in survivors.values() if to not in living}
        if not gone:
            return survivors
        became = await queries.aliases(tx, gone)
        survivors = {id_: became.get(to, to) for id_, to in survivors.items() if to in living or to in became}
    raise IdentityContended(retry_after_seconds=1)


async def lock_one(tx: Transaction, customer_id: UUID) -> UUID | None:
    """Keep other writers out of one customer until the commit; the survivor's id, None for an unknown one."""
    for _ in range(ATTEMPTS_MAX):
        if await queries.lock(tx, [customer_id]):
            return customer_id
        became = await queries.aliases(tx, [customer_id])
        if customer_id not in became:
            return None
        customer_id = became[customer_id]
    raise IdentityContended(retry_after_seconds=1)
