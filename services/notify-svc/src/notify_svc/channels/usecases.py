"""Sending what waits: take, ask for addresses, judge, hand over, keep the outcome.

No transaction is open while we talk to the gateway or the SMTP server. If the process dies in between, the lease ends
and the mail is sent again under the same Message-ID: at least once, never lost. If only the database is away by then,
the outcome is kept as soon as it is back: nobody gets the mail twice, and the message does not wait for the lease.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from moat.contracts.engagement import MessageFact, MessageFailed, MessageSent, MessageSuppressed
from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.db.transaction import Transaction
from moat.kit.events import Cause
from moat.kit.messaging.failures import Failure, failure_of
from notify_svc.channels import queries
from notify_svc.channels.contacts import Contacts, ContactsAway
from notify_svc.channels.email import Mail, Outcome, SmtpServer
from notify_svc.channels.queries import Waiting
from notify_svc.policy.decisions import KINDS, Contact, refusal_of_email
from notify_svc.templates import queries as templates
from notify_svc.templates.queries import TemplateVersion
from notify_svc.templates.rendering import TextNotRendered, render

BATCH_MAX: Final = 100
LEASE_SECONDS: Final = 120.0
KEEP_SECONDS_MAX: Final = 90.0
KEEP_AGAIN_SECONDS: Final = 0.5
ATTEMPTS_MAX: Final = 12
BACKOFF_SECONDS_MAX: Final = 900.0
ROW_VALUE = tuple[UUID, str, str | None]


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """What sending needs."""

    db: Database
    clock: Clock
    contacts: Contacts
    server: SmtpServer


async def send_waiting(dispatcher: Dispatcher) -> int:
    """Send one batch and return how many were taken; 0 when nothing is due."""
    async with dispatcher.db.transaction() as tx:
        batch = await queries.take(tx, limit=BATCH_MAX, lease_seconds=LEASE_SECONDS)
        wanted = {(message.template, message.template_version) for message in batch}
        texts = await templates.versions(tx, wanted) if batch else {}
    if not batch:
        return 0
    at = dispatcher.clock.now()
    try:
        contacts = await dispatcher.contacts.lookup(sorted({message.customer_id for message in batch}))
    except ContactsAway:
        outcomes = [Outcome(message.id, "again") for message in batch]
        await _keep(dispatcher, batch, [], outcomes, at)
        return len(batch)
    settled, mails = _judge(batch, contacts, texts, at)
    outcomes = await dispatcher.server.send(mails) if mails else []
    await _keep(dispatcher, batch, settled, outcomes, at)
    return len(batch)


def backoff_seconds(attempts: int) -> float:
    """2, 4, 8 … seconds, at most a quarter of an hour."""
    return float(min(2.0**attempts, BACKOFF_SECONDS_MAX))


def _judge(
    batch: Sequence[Waiting],
    contacts: dict[UUID, Contact],
    texts: dict[tuple[str, int], TemplateVersion],
    at: datetime,
) -> tuple[list[ROW_VALUE], list[Mail]]:
    settled: list[ROW_VALUE] = []
    mails: list[Mail] = []
    for message in batch:
        contact = contacts.get(message.customer_id)
        refusal = refusal_of_email(KINDS[message.template], contact, message.happened_at, at=at)
        if refusal is not None or contact is None or contact.email is None:
            settled.append((message.id, "suppressed", refusal or "no_address"))
            continue
        version = texts[message.template, message.template_version]
        try:
            mails.append(Mail(message.id, contact.email, render(version.texts, contact.locale, message.values)))
        except TextNotRendered:
            settled.append((message.id, "failed", "text_not_rendered"))
    return settled, mails


async def _keep(
    dispatcher: Dispatcher,
    batch: Sequence[Waiting],
    settled: Sequence[ROW_VALUE],
    outcomes: Sequence[Outcome],
    at: datetime,
) -> None:
    attempts = {message.id: message.attempts for message in batch}
    final = list(settled)
    delays: list[tuple[UUID, float]] = []
    for outcome in outcomes:
        tried = attempts[outcome.message_id]
        if outcome.status != "again":
            final.append((outcome.message_id, outcome.status, outcome.reason))
        elif tried >= ATTEMPTS_MAX:
            final.append((outcome.message_id, "failed", "gave_up"))
        else:
            delays.append((outcome.message_id, backoff_seconds(tried)))
    give_up_at = asyncio.get_running_loop().time() + KEEP_SECONDS_MAX
    while True:
        try:
            async with dispatcher.db.transaction() as tx:
                customers = await queries.settle(tx, final) if final else {}
                if delays:
                    await queries.put_off(tx, delays)
                _announce(tx, batch, final, customers, at)
        except Exception as error:
            if failure_of(error) is not Failure.TRANSIENT or asyncio.get_running_loop().time() > give_up_at:
                raise
            await asyncio.sleep(KEEP_AGAIN_SECONDS)
        else:
            return


def _announce(
    tx: Transaction, batch: Sequence[Waiting], final: Sequence[ROW_VALUE], customers: dict[UUID, UUID], at: datetime
) -> None:
    messages = {message.id: message for message in batch}
    for id_, status, reason in final:
        if id_ in customers:
            message = messages[id_]
            kept = message.cause
            cause = Cause(kept["event_id"], kept.get("correlation_id"), kept.get("traceparent"))
            tx.publish(_fact(message, status, reason), about=customers[id_], time=at, cause=cause)


def _fact(message: Waiting, status: str, reason: str | None) -> MessageFact:
    names = {"message_id": message.id, "template": message.template, "channel": "email"}
    if status == "sent":
        return MessageSent.model_validate(names)
    if status == "suppressed":
        return MessageSuppressed.model_validate({**names, "reason": reason})
    return MessageFailed.model_validate({**names, "reason": reason})
