"""Occasions on PostgreSQL: one timer a customer, told once, caught up, and never with a date of birth."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customer_svc.features import SERVICE
from customer_svc.occasions.timers import timers
from moat.kit.testing import deliver, published
from moat.kit.testing.callers import customer, staff
from moat.kit.timers.runner import fire

from .builders import activity, paid, profile

(KIND,) = timers.kinds


async def let_timers_fire(db, clock) -> None:
    while await fire(SERVICE, KIND, db, clock):
        pass


async def let_time_pass(db, clock, *, until: str) -> None:
    """Days go by, and the timers fire on each; `until` is a civil day in Shanghai, at noon."""
    end = datetime.fromisoformat(f"{until}T04:00").replace(tzinfo=UTC)
    while clock.now() < end:
        clock.set(min(end, clock.now() + timedelta(days=1)))
        await let_timers_fire(db, clock)


async def told(db) -> list[tuple[str, str, int]]:
    return [
        (event.data["kind"], event.data["occurs_on"], event.data["days_ahead"])
        for event in await published(db)
        if event.type == "moat.customer.occasion_reached.v1"
    ]


async def customer_of(db, event_type: str = "moat.customer.created.v1") -> Any:
    return next(event.about for event in await published(db) if event.type == event_type)


@pytest.fixture(autouse=True)
def begin_in_november(clock) -> None:
    clock.set(datetime(2026, 11, 20, 4, 0, tzinfo=UTC))


async def test_a_birthday_is_announced_a_week_ahead_and_on_the_day_and_once(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-24"}, "main/customer_id/1")], clock)

    await let_time_pass(db, clock, until="2026-12-31")
    await let_timers_fire(db, clock)

    assert await told(db) == [
        ("birthday_month", "2026-12-01", 0),
        ("birthday", "2026-12-24", 7),
        ("birthday", "2026-12-24", 0),
    ]


async def test_no_event_holds_the_date_of_birth(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-24"}, "main/customer_id/1")], clock)
    await let_time_pass(db, clock, until="2026-12-31")

    for event in await published(db):
        assert "1990" not in str(event.data), event.type


async def test_its_time_is_the_instant_due_and_the_day_itself_stands_in_the_timeline(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-24"}, "main/customer_id/1")], clock)
    await let_time_pass(db, clock, until="2026-12-31")

    async with db.transaction() as tx:
        entries = await tx.all("SELECT at, data FROM timeline WHERE kind = 'customer.occasion_reached' ORDER BY at")
    assert [(row.at.isoformat(), row.data["kind"]) for row in entries] == [
        ("2026-11-30T16:00:00+00:00", "birthday_month"),
        ("2026-12-23T16:00:00+00:00", "birthday"),
    ]


async def test_a_week_without_the_worker_skips_nobody_and_tells_nobody_twice(db, clock):
    people = [f"main/customer_id/{n}" for n in range(1, 6)]
    facts = [profile({"birthday": f"1990-12-0{n}"}, name) for n, name in enumerate(people, 1)]
    await deliver(SERVICE, db, facts, clock)

    clock.set(datetime(2026, 12, 8, 4, 0, tzinfo=UTC))
    await asyncio.gather(*(let_timers_fire(db, clock) for _ in range(3)))
    await let_timers_fire(db, clock)

    found = await told(db)
    assert [(one[1], one[2]) for one in found if one[0] == "birthday"].count(("2026-12-03", 0)) == 1
    assert len(found) == len(set(found)) + 4  # five birthday months begin on one day
    assert len([one for one in found if one[0] == "birthday"]) == 10


async def test_what_an_outage_held_back_is_told_although_the_file_changes_first(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-01"}, "main/customer_id/1")], clock)
    clock.set(datetime(2026, 12, 3, 4, 0, tzinfo=UTC))

    await deliver(SERVICE, db, [profile({"birthday": "1990-12-02"}, "main/customer_id/1", day=30)], clock)
    await let_timers_fire(db, clock)

    assert ("birthday", "2026-12-01", 0) in await told(db)


async def test_a_corrected_birthday_is_not_told_a_second_time_in_a_year(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-01"}, "main/customer_id/1")], clock)
    await let_time_pass(db, clock, until="2026-12-02")

    await deliver(SERVICE, db, [profile({"birthday": "1990-12-20"}, "main/customer_id/1", day=30)], clock)
    await let_time_pass(db, clock, until="2027-12-31")

    on_the_day = [one[1] for one in await told(db) if one[0] == "birthday" and one[2] == 0]
    assert on_the_day == ["2026-12-01", "2027-12-20"]


async def test_a_lunar_birthday_by_an_edit(db, client, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1")], clock)
    id_ = await customer_of(db)
    url, headers = f"/v1/customers/{id_}", staff("customers:read", "customers:write", at=clock.now())
    body = {"birthday": "1990-02-30", "birthday_calendar": "lunar"}

    edited = await client.patch(url, json=body, headers=headers | {"If-Match": '"0"'})
    next_days = (await client.get(f"{url}/occasions", headers=headers)).json()

    assert edited.status_code == 200, edited.text
    assert (edited.json()["birthday"], edited.json()["birthday_calendar"]) == ("1990-02-30", "lunar")
    # 2027-03-08 is the first day of the second month, which has 30 days that year.
    assert [(one["kind"], one["occurs_on"]) for one in next_days["items"]] == [
        ("birthday_month", "2027-04-01"),
        ("birthday", "2027-04-06"),
        ("anniversary", "2027-11-01"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"birthday": "1988-02-30"},
        {"birthday": "1988-02-31", "birthday_calendar": "lunar"},
        {"birthday": "1850-02-01", "birthday_calendar": "lunar"},
        {"birthday_calendar": "julian"},
    ],
)
async def test_a_day_that_its_calendar_does_not_have_is_refused(db, client, clock, body):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1")], clock)
    url = f"/v1/customers/{await customer_of(db)}"

    answer = await client.patch(url, json=body, headers=staff("customers:write", at=clock.now()) | {"If-Match": '"0"'})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in ("/birthday", "/birthday_calendar")


async def test_an_anniversary_is_told_with_its_years_and_a_loaded_history_tells_of_none(db, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1", day=12 - 3 * 365)], clock)
    await let_time_pass(db, clock, until="2027-11-30")

    events = [one for one in await published(db) if one.type == "moat.customer.occasion_reached.v1"]
    assert [(one.data["occurs_on"], one.data["days_ahead"], one.data["years"]) for one in events] == [
        ("2027-11-14", 7, 4),
        ("2027-11-14", 0, 4),
    ]


async def test_two_who_turn_out_to_be_one_are_greeted_once(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-01"}, "a/customer_id/1")], clock)
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-05"}, "b/customer_id/1")], clock)
    await let_time_pass(db, clock, until="2026-12-02")

    await deliver(SERVICE, db, [activity("seen", "a/customer_id/1", "b/customer_id/1", day=30)], clock)
    await let_time_pass(db, clock, until="2026-12-31")

    assert len([one for one in await told(db) if one[0] == "birthday" and one[2] == 0]) == 1
    async with db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM occasion_watch") == 1
        assert await tx.scalar("SELECT count(*) FROM timer") == 1


async def test_every_customer_has_one_timer_where_his_watch_says(db, clock):
    facts = [profile({"birthday": f"1990-{n:02}-15"}, f"main/customer_id/{n}") for n in range(1, 13)]
    await deliver(SERVICE, db, facts, clock)
    await let_time_pass(db, clock, until="2027-03-01")

    async with db.transaction() as tx:
        off = await tx.scalar(
            """SELECT count(*) FROM occasion_watch w FULL JOIN timer t ON t.key = CAST(w.customer_id AS text)
               WHERE t.due_at IS DISTINCT FROM w.next_due_at"""
        )
        assert await tx.scalar("SELECT count(*) FROM timer") == 12
    assert off == 0


async def test_an_order_of_a_known_customer_touches_no_timer(db, clock):
    await deliver(SERVICE, db, [profile({"birthday": "1990-12-24"}, "main/customer_id/1", day=-5)], clock)
    async with db.transaction() as tx:
        before = await tx.one("SELECT xmin FROM timer")

    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1")], clock)

    async with db.transaction() as tx:
        assert await tx.one("SELECT xmin FROM timer") == before


async def test_occasions_are_for_staff(db, client, clock):
    await deliver(SERVICE, db, [paid("o-1", "main/customer_id/1")], clock)
    id_ = await customer_of(db)
    url, at = f"/v1/customers/{id_}/occasions", clock.now()

    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers=staff("loyalty:read", at=at))).status_code == 403
    assert (await client.get(url, headers=customer(id_, at=at))).status_code == 403
    assert (await client.get(url, headers=staff("customers:read", at=at))).status_code == 200
