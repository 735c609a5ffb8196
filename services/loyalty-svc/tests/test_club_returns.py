"""What becomes of a membership when a part of an order comes back: the card, a piece of it, or the rest."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from moat.contracts.orders import Line, OrderPaid, OrderRefunded
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.testing import an_event

from .builders import a_customer, at
from .club_rooms import CARD, Rooms, a_club
from .house import House

CARD_MINOR, BOOK_MINOR = 9_900, 5_000


@pytest.fixture
async def rooms(house: House) -> Rooms:
    rooms = Rooms(house)
    await rooms.publish(a_club())
    return rooms


def cards(pieces: int) -> Line:
    return Line(sku=CARD, quantity=pieces, amount_minor=CARD_MINOR * pieces)


BOOK = Line(sku="book", quantity=1, amount_minor=BOOK_MINOR)


def an_order(about: UUID, order: UUID, *lines: Line, day: float = 90) -> Event[Any]:
    total = sum(line.amount_minor for line in lines)
    data = OrderPaid(
        order_uid=order, order_source="/shops/main", order_id="o-1", currency="CNY", total_minor=total, lines=lines
    )
    return an_event(data, about=about, time=at(day))


def returned(
    about: UUID, order: UUID, *lines: Line, refund: str = "r-1", amount: int = 0, currency: str = "CNY"
) -> Event[Any]:
    amount_minor = amount or sum(line.amount_minor for line in lines)
    data = OrderRefunded(
        order_uid=order,
        order_source="/shops/main",
        order_id="o-1",
        refund_id=refund,
        currency=currency,
        amount_minor=amount_minor,
        lines=lines,
    )
    return an_event(data, about=about, time=at(95))


async def test_a_card_that_came_back_ends_its_term_though_the_rest_of_the_order_is_kept(rooms: Rooms):
    li, wang = await rooms.customer(), await rooms.customer()
    order, other = uuid7(), uuid7()
    await rooms.house.learn(an_order(li, order, cards(1), BOOK), an_order(wang, other, cards(1), BOOK))

    await rooms.house.learn(returned(li, order, cards(1)), returned(wang, other, BOOK))

    assert await rooms.stands(li) == ("none", None)
    assert await rooms.told(li) == ["joined", "left"]
    assert await rooms.stands(wang) == ("active", at(120))
    (fact,) = (await rooms.must("GET", f"/v1/customers/{li}/loyalty/clubs/circle/facts"))["items"]
    assert (fact["terms"], fact["is_undone"]) == (0, True)


async def test_so_many_pieces_as_came_back_so_many_terms_fall_away(rooms: Rooms):
    li, order = await rooms.customer(), uuid7()
    await rooms.house.learn(an_order(li, order, cards(3), BOOK))
    assert await rooms.stands(li) == ("active", at(180))

    await rooms.house.learn(returned(li, order, cards(1)))
    assert await rooms.stands(li) == ("active", at(150))
    await rooms.house.learn(returned(li, order, cards(2), refund="r-2"))

    assert await rooms.stands(li) == ("none", None)


async def test_terms_above_what_one_order_may_pay_for_stay_until_fewer_pieces_are_kept(rooms: Rooms):
    li, order = await rooms.customer(), uuid7()
    await rooms.house.learn(an_order(li, order, cards(103)))
    most = await rooms.stands(li)

    await rooms.house.learn(returned(li, order, cards(3)))
    assert await rooms.stands(li) == most == ("active", at(90 + 100 * 30))
    await rooms.house.learn(returned(li, order, cards(1), refund="r-2"))

    assert await rooms.stands(li) == ("active", at(90 + 99 * 30))


async def test_money_without_lines_takes_a_term_only_when_all_of_it_went_back(rooms: Rooms):
    li, order = await rooms.customer(), uuid7()
    await rooms.house.learn(an_order(li, order, cards(1), BOOK))

    await rooms.house.learn(
        returned(li, order, amount=CARD_MINOR),
        returned(li, order, cards(1), refund="r-2", currency="USD"),
    )
    assert await rooms.stands(li) == ("active", at(120))
    await rooms.house.learn(returned(li, order, amount=BOOK_MINOR, refund="r-3"))

    assert await rooms.stands(li) == ("none", None)


async def test_in_every_order_of_arrival_what_came_back_leaves_the_same(rooms: Rooms):
    ends = set()
    for places in permutations(range(4)):
        li, order = uuid7(), uuid7()
        facts = [
            an_order(li, order, cards(3), BOOK),
            returned(li, order, cards(1)),
            returned(li, order, BOOK, refund="r-2"),
            an_order(li, uuid7(), cards(1), day=92),
        ]
        await rooms.house.learn(a_customer(li))
        await rooms.house.learn_one_by_one(*(facts[place] for place in places))
        ends.add((await rooms.stands(li), (await rooms.of(li))["since"]))

    assert len(ends) == 1
    assert ends.pop()[0] == ("active", at(90 + 3 * 30))
