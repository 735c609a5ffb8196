"""What rules do with signals: open a ticket, once, and solve it when its cause is gone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from moat.contracts.customers import CustomerMerged
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.messaging.subscriptions import Batch
from ticket_svc.rules import queries
from ticket_svc.rules.documents import Decision, Rule, decide, text_for
from ticket_svc.tickets import queries as ticket_queries
from ticket_svc.tickets import usecases as tickets
from ticket_svc.tickets.lifecycle import SYSTEM, Kind, Move, Priority, Ticket


async def act_on(tx: Transaction, signal: str, batch: Batch, *, at: datetime) -> None:
    """Let every rule of this signal see the newest event about each customer.

    Sequences grow over all customers of a source, so an older event, also one about a customer merged since, never
    overrides a newer one; of several in one batch the last says how things stand.
    """
    newest: dict[UUID, Event[Any]] = {}
    for event in batch:
        if event.about not in newest or event.sequence >= newest[event.about].sequence:
            newest[event.about] = event
    current = await queries.advance(tx, signal, {id_: event.sequence for id_, event in newest.items()})
    newest = {id_: event for id_, event in newest.items() if id_ in current}
    for rule in await queries.published(tx):
        if newest and rule.signal == signal:
            await _apply(tx, rule, newest, at=at)


async def _apply(tx: Transaction, rule: Rule, newest: Mapping[UUID, Event[Any]], *, at: datetime) -> None:
    open_now = await _open_follow_ups(tx, newest)
    decisions = {
        id_: decide(rule, event.type, event.data.model_dump(), is_open=id_ in open_now, now=at)
        for id_, event in newest.items()
    }
    solved = [
        (ticket, newest[id_])
        for id_, decision in decisions.items()
        if decision is Decision.SOLVE
        for ticket in open_now[id_]
        if ticket.rule == rule.code
    ]
    await tickets.move_tickets(tx, solved, Move.SOLVE, SYSTEM, at=at, reason=rule.solve_reason)
    opened = [id_ for id_, decision in decisions.items() if decision is Decision.OPEN]
    if opened:
        locales = await queries.locales(tx, opened)
        drafts = [_draft(rule, id_, newest[id_], locales.get(id_)) for id_ in sorted(opened)]
        await tickets.open_tickets(tx, drafts, SYSTEM, at=at)


async def _open_follow_ups(tx: Transaction, ids: Mapping[UUID, Any]) -> dict[UUID, list[Ticket]]:
    """Follow-ups that are open, whoever opened them: a customer already taken care of is not bothered twice."""
    found: dict[UUID, list[Ticket]] = {}
    for ticket in await ticket_queries.lock_open_follow_ups(tx, ids.keys()):
        found.setdefault(ticket.customer_id, []).append(ticket)
    return found


def _draft(rule: Rule, customer_id: UUID, cause: Event[Any], locale: str | None) -> tickets.Draft:
    return tickets.Draft(
        customer_id=customer_id,
        kind=cast(Kind, rule.kind),
        channel="event",
        subject=text_for(rule.subject, locale),
        body=text_for(rule.body, locale),
        priority=cast(Priority, rule.priority),
        rule=rule.code,
        rule_version=rule.version,
        cause=cause,
    )


async def follow_merges(tx: Transaction, merges: Sequence[Event[CustomerMerged]]) -> None:
    """Let survivors stand where the later of the two customers stood."""
    for merge in merges:
        if merge.data.from_id != merge.about:
            await queries.inherit(tx, merge.data.from_id, merge.about)
