"""Points that other services ask for: each request is answered once, by points or by a reason."""

import pytest

from moat.contracts.loyalty import GrantPoints
from moat.kit.ids import uuid7
from moat.kit.testing import an_event

from .builders import at
from .house import House


def a_request(who, points: int = 30, type_: str = "points", id_: str | None = None):
    data = GrantPoints(account_type=type_, points=points, reason="survey.answered")
    return an_event(data, about=who, time=at(99), id=id_, source="/notify-svc")


async def test_a_request_is_answered_by_points_that_name_it_as_their_cause(house: House):
    li, id_ = uuid7(), str(uuid7())

    await house.learn(a_request(li, id_=id_))
    await house.learn(a_request(li, id_=id_), a_request(li, id_=id_))

    assert await house.points(li) == (30, 30, 0)
    assert [type_ for type_, _, _ in await house.said()] == ["member.enrolled", "points.earned"]
    async with house.db.transaction() as tx:
        assert await tx.scalar("SELECT event_id FROM posting") == id_
        causes = {row[0] for row in await tx.all("SELECT headers ->> 'causationid' FROM outbox")}
    assert causes == {id_}


@pytest.mark.parametrize(("type_", "reason"), [("stars", "unknown_account_type"), ("growth", "not_spendable")])
async def test_a_refusal_says_why(house: House, type_: str, reason: str):
    li = uuid7()

    await house.learn(a_request(li, type_=type_))

    ((_, who, data),) = await house.said()
    assert (who, data) == (li, {"account_type": type_, "amount": 30, "reason": reason})
    assert (await house.audit()).violations == []
