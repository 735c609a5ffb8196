"""Carrying out merges: everything that is whose, in every feature, goes to the survivor in the same commit."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from customer_svc.consents import queries as consents
from customer_svc.identity import queries as identities
from customer_svc.identity.matching import Merged
from customer_svc.intake import queries
from customer_svc.intake.facts import Fact
from customer_svc.occasions import usecases as occasions
from customer_svc.orders import queries as orders
from customer_svc.profiles import queries as profiles
from customer_svc.profiles.folding import File, image_of, unite
from customer_svc.timeline import queries as timeline
from moat.kit.db.transaction import Transaction


async def carry_out(
    tx: Transaction,
    told: Sequence[tuple[Merged, UUID]],
    facts: Sequence[Fact],
    files: Mapping[UUID, File],
    at: datetime,
) -> None:
    """Move all that belongs to customers who were merged away, keep what was theirs, make their files one.

    told: the merges, each with the id of the event that tells of it. The files of the survivors are changed and not yet
    written; those of the others are deleted.
    """
    merged = [one for one, _ in told]
    pairs = [(one.from_id, one.into_id) for one in merged]
    gone = [from_id for from_id, _ in pairs]
    identifiers = await identities.end(tx, merged, at)
    await occasions.end(tx, pairs, at)
    moved_orders = await orders.move(tx, pairs)
    await timeline.move(tx, pairs)
    await queries.move(tx, pairs)
    stood: dict[UUID, list[Any]] = {}
    for row in await consents.of(tx, {into_id for _, into_id in pairs}):
        stood.setdefault(row.customer_id, []).append(dict(row._mapping))
    said = await consents.move(tx, pairs)
    held = await profiles.end(tx, gone)
    before = []
    for from_id, into_id in pairs:
        image = {
            "profile": held.get(from_id),
            "identifiers": identifiers.get(from_id, []),
            "consents": said.get(from_id, []),
            "orders": moved_orders.get(from_id, []),
            "survivor": image_of(files[into_id]) | {"consents": stood.get(into_id, [])},
        }
        before.append(json.dumps(image, ensure_ascii=False, default=str))
        unite(files[into_id], files[from_id])
    causes = [(facts[one.fact].source, facts[one.fact].event_id, facts[one.fact].at) for one in merged]
    await identities.record_merges(tx, merged, causes, before, [merge_id for _, merge_id in told])
