"""Reading the inbox."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from moat.kit.db.transaction import Transaction
from moat.kit.problems import NotFound
from notify_svc.inbox import queries
from notify_svc.inbox.queries import InboxRow
from notify_svc.templates import queries as templates
from notify_svc.templates.rendering import Words, render


class UnknownMessage(NotFound):
    """This customer has no such message."""

    code, title = "inbox.unknown", "There is no such message in your inbox"


async def with_words(tx: Transaction, rows: Sequence[InboxRow], locale: str) -> list[tuple[InboxRow, Words]]:
    """Each message with its words, in the version it was made with."""
    versions = await templates.versions(tx, {(row.template, row.template_version) for row in rows})
    return [(row, render(versions[row.template, row.template_version].texts, locale, row.values)) for row in rows]


async def read(tx: Transaction, id_: UUID, customer_id: UUID, locale: str, *, at: datetime) -> tuple[InboxRow, Words]:
    """Mark as read. Raises UnknownMessage, for another customer's message too."""
    row = await queries.mark_read(tx, id_, customer_id, at=at)
    if row is None:
        raise UnknownMessage
    return (await with_words(tx, [row], locale))[0]
