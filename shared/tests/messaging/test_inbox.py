"""The marks of what was taken, without a log."""

import pytest

from moat.contracts.loyalty import MemberEnrolled
from moat.kit.messaging.inbox import claim
from moat.kit.testing.events import an_event


@pytest.fixture
async def db(database_of):
    return (await database_of("notify_svc")).db


def told(source: str, *ids: str):
    return [an_event(MemberEnrolled(), id=id_, source=source) for id_ in ids]


async def taken(db, *events):
    async with db.transaction() as tx:
        return [(event.source, event.id) for event in await claim(tx, "notify-svc", list(events))]


async def test_one_id_of_two_senders_is_two_events(db):
    assert await taken(db, *told("/b", "2", "1"), *told("/a", "1")) == [("/b", "2"), ("/b", "1"), ("/a", "1")]
    assert await taken(db, *told("/a", "2", "1"), *told("/b", "1")) == [("/a", "2")]


@pytest.mark.parametrize("others", [(), ("/other",)])
async def test_of_those_that_come_again_only_the_new_ones_are_taken_and_the_first_of_two(db, others):
    more = [event for source in others for event in told(source, "9")]
    assert await taken(db, *told("/a", "1", "2")) == [("/a", "1"), ("/a", "2")]

    new = await taken(db, *told("/a", "3", "1", "4", "3"), *more)

    assert new == [("/a", "3"), ("/a", "4"), *((source, "9") for source in others)]
    assert await taken(db, *told("/a", "4", "1")) == []
