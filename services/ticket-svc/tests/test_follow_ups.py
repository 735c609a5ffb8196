"""Events become tickets, once, on real PostgreSQL."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from moat.kit.clock import FrozenClock
from moat.kit.db.database import Database
from moat.kit.ids import uuid7
from moat.kit.testing import TestDatabase, deliver, published
from ticket_svc.features import SERVICE

from .builders import changed, cleared, created, merged, parted, raised


async def tickets_of(db: Database) -> list[Any]:
    async with db.transaction() as tx:
        return list(await tx.all("SELECT * FROM ticket ORDER BY number"))


async def history_of(db: Database, ticket_id: UUID) -> list[Any]:
    async with db.transaction() as tx:
        return list(await tx.all("SELECT * FROM ticket_entry WHERE ticket_id = :id ORDER BY id", id=ticket_id))


async def statuses(db: Database) -> list[tuple[UUID, str, str | None]]:
    return [(row.customer_id, row.status, row.reason) for row in await tickets_of(db)]


async def test_a_risk_with_enough_at_stake_becomes_a_follow_up(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    event = raised(customer, 10_000)

    await deliver(SERVICE, tickets.db, [event], clock)

    [ticket] = await tickets_of(tickets.db)
    assert (ticket.customer_id, ticket.kind, ticket.channel, ticket.status) == (customer, "follow_up", "event", "open")
    assert (ticket.priority, ticket.rule, ticket.rule_version) == ("high", "risk.follow_up", 1)
    assert ticket.subject == "回访：客户可能正在流失"
    [entry] = await history_of(tickets.db, ticket.id)
    assert (entry.kind, entry.actor_kind, entry.cause) == ("opened", "system", event.id)
    [opened] = await published(tickets.db)
    assert (opened.type, opened.about) == ("moat.ticket.opened.v1", customer)
    assert (opened.data["ticket_id"], opened.data["rule"]) == (str(ticket.id), "risk.follow_up")


async def test_an_english_customer_has_an_english_follow_up(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()

    await deliver(SERVICE, tickets.db, [created(customer, locale="en-GB"), raised(customer)], clock)

    [ticket] = await tickets_of(tickets.db)
    assert ticket.subject == "Follow up: this customer may be leaving"


async def test_with_too_little_at_stake_nothing_is_opened(tickets: TestDatabase, clock: FrozenClock):
    await deliver(SERVICE, tickets.db, [raised(uuid7(), 9_999)], clock)

    assert await tickets_of(tickets.db) == []


async def test_a_value_that_grows_while_raised_opens_one(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, tickets.db, [raised(customer, 9_000)], clock)

    await deliver(SERVICE, tickets.db, [changed(customer, 11_000)], clock)

    assert await statuses(tickets.db) == [(customer, "open", None)]


async def test_there_is_one_while_it_is_open(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    first = raised(customer)
    await deliver(SERVICE, tickets.db, [first], clock)

    await deliver(SERVICE, tickets.db, [changed(customer, 20_000), first], clock)

    assert len(await tickets_of(tickets.db)) == 1


async def test_a_cleared_risk_solves_it_and_says_why(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    await deliver(SERVICE, tickets.db, [raised(customer)], clock)
    event = cleared(customer)

    await deliver(SERVICE, tickets.db, [event], clock)

    [ticket] = await tickets_of(tickets.db)
    assert (ticket.status, ticket.reason, ticket.solved_at) == ("solved", "risk.cleared", clock.now())
    entry = (await history_of(tickets.db, ticket.id))[-1]
    assert (entry.actor_kind, entry.reason, entry.cause) == ("system", "risk.cleared", event.id)
    told = await published(tickets.db)
    assert [event.type for event in told[1:]] == ["moat.ticket.status_changed.v1", "moat.ticket.solved.v1"]
    assert {event.data["reason"] for event in told[1:]} == {"risk.cleared"}


async def test_a_later_risk_opens_a_new_one(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    for event in (raised(customer), cleared(customer), raised(customer)):
        await deliver(SERVICE, tickets.db, [event], clock)

    assert [status for _, status, _ in await statuses(tickets.db)] == ["solved", "open"]


async def test_an_older_event_never_overrides_a_newer_one(tickets: TestDatabase, clock: FrozenClock):
    customer = uuid7()
    older, newer = raised(customer), cleared(customer)

    await deliver(SERVICE, tickets.db, [newer], clock)
    await deliver(SERVICE, tickets.db, [older], clock)

    assert await tickets_of(tickets.db) == []


async def test_what_a_batch_ends_with_decides(tickets: TestDatabase, clock: FrozenClock):
    gone, back = uuid7(), uuid7()

    await deliver(SERVICE, tickets.db, [raised(gone), raised(back), cleared(back)], clock)

    assert await statuses(tickets.db) == [(gone, "open", None)]


async def test_a_merge_moves_tickets_to_the_survivor(tickets: TestDatabase, clock: FrozenClock):
    gone, survivor = uuid7(), uuid7()
    await deliver(SERVICE, tickets.db, [raised(gone)], clock)

    await deliver(SERVICE, tickets.db, [merged(gone, survivor)], clock)

    [ticket] = await tickets_of(tickets.db)
    [entry] = await history_of(tickets.db, ticket.id)
    assert (ticket.customer_id, entry.customer_id) == (survivor, survivor)


async def test_a_split_gives_tickets_and_their_history_back_and_those_opened_since_stay(
    tickets: TestDatabase, clock: FrozenClock
):
    gone, survivor = uuid7(), uuid7()
    merge = merged(gone, survivor)
    await deliver(SERVICE, tickets.db, [raised(gone)], clock)
    await deliver(SERVICE, tickets.db, [merge], clock)
    await deliver(SERVICE, tickets.db, [cleared(survivor)], clock)
    await deliver(SERVICE, tickets.db, [raised(survivor)], clock)

    await deliver(SERVICE, tickets.db, [parted(merge)], clock)

    his, since = await tickets_of(tickets.db)
    assert (his.customer_id, since.customer_id) == (gone, survivor)
    assert {row.customer_id for row in await history_of(tickets.db, his.id)} == {gone}
    assert {row.customer_id for row in await history_of(tickets.db, since.id)} == {survivor}


@pytest.mark.parametrize("survivor_is", ["older", "newer"])
async def test_of_two_follow_ups_of_a_merged_customer_the_older_stays(
    survivor_is: str, tickets: TestDatabase, clock: FrozenClock
):
    older, newer = uuid7(), uuid7()
    await deliver(SERVICE, tickets.db, [raised(older)], clock)
    await deliver(SERVICE, tickets.db, [raised(newer)], clock)

    gone, survivor = (newer, older) if survivor_is == "older" else (older, newer)
    await deliver(SERVICE, tickets.db, [merged(gone, survivor)], clock)

    assert await statuses(tickets.db) == [(survivor, "open", None), (survivor, "closed", "customer.merged")]
    assert [event.type for event in (await published(tickets.db))[2:]] == [
        "moat.ticket.status_changed.v1",
        "moat.ticket.closed.v1",
    ]


async def test_a_risk_in_flight_for_the_merged_customer_lands_on_the_survivor(
    tickets: TestDatabase, clock: FrozenClock
):
    gone, survivor = uuid7(), uuid7()
    late = raised(gone)
    await deliver(SERVICE, tickets.db, [merged(gone, survivor)], clock)

    await deliver(SERVICE, tickets.db, [late], clock)

    assert await statuses(tickets.db) == [(survivor, "open", None)]


async def test_a_risk_of_before_the_merge_does_not_override_what_was_said_of_the_survivor_since(
    tickets: TestDatabase, clock: FrozenClock
):
    gone, survivor = uuid7(), uuid7()
    late, since = raised(gone), cleared(survivor)
    await deliver(SERVICE, tickets.db, [merged(gone, survivor)], clock)
    await deliver(SERVICE, tickets.db, [since], clock)

    await deliver(SERVICE, tickets.db, [late], clock)

    assert await tickets_of(tickets.db) == []


async def test_two_risks_of_one_customer_that_meet_in_two_transactions_open_one(
    tickets: TestDatabase, clock: FrozenClock
):
    customers = [uuid7() for _ in range(10)]

    for customer in customers:
        await asyncio.gather(*(deliver(SERVICE, tickets.db, [raised(customer)], clock) for _ in range(3)))

    assert [row.customer_id for row in await tickets_of(tickets.db)] == customers


async def test_the_database_itself_allows_one_open_follow_up_per_rule(tickets: TestDatabase, clock: FrozenClock):
    await deliver(SERVICE, tickets.db, [raised(uuid7())], clock)

    with pytest.raises(IntegrityError, match="ticket_one_open_per_rule"):
        async with tickets.db.transaction() as tx:
            await tx.execute(
                "INSERT INTO ticket SELECT (jsonb_populate_record(ticket, "
                "jsonb_build_object('id', gen_random_uuid(), 'number', 99))).* FROM ticket"
            )
