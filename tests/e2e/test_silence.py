"""A customer falls silent: by himself he raises a risk, gets a care message and a follow-up; an order clears it.

Somebody who has bought on one day only is at risk after 240 days: (60 / (60 + g)) falls to 0.2 at g = 240.
"""

from datetime import datetime, timedelta

from whole.facts import Shopper, a_shopper, ago, word
from whole.house import House
from whole.waiting import until

CROSSING = timedelta(days=240)


def _about_to_fall_silent(house: House, *shoppers: Shopper, total_minor: int) -> str:
    at = ago(days=240, seconds=-3)
    house.send(*(shopper.paid(total_minor, at=at) for shopper in shoppers))
    return at


def _band(house: House, shopper: Shopper) -> str:
    band: str = house.about(shopper, "scores")["risk"]["band"]
    return band


def test_crossing_the_threshold_raises_cares_and_opens_a_follow_up_that_an_order_solves(house: House):
    shopper = a_shopper()
    bought_at = datetime.fromisoformat(_about_to_fall_silent(house, shopper, total_minor=20_000))
    until(lambda: house.find(shopper), 30)
    customer_id = house.customer(shopper)["id"]
    until(lambda: house.tickets(customer_id), 60, what="no follow-up was opened")
    house.settle()

    (ticket,) = house.tickets(customer_id)
    assert (ticket["kind"], ticket["channel"], ticket["status"]) == ("follow_up", "event", "open")
    assert _band(house, shopper) == "high"
    raised = next(one for one in house.about(shopper, "timeline")["items"] if one["kind"] == "risk.raised")
    assert timedelta(0) <= datetime.fromisoformat(raised["at"]) - bought_at - CROSSING < timedelta(seconds=1)
    inbox = house.get("/v1/inbox", token=house.customer_token(customer_id))["items"]
    assert [one["template"] for one in inbox] == ["risk_care"]

    house.tell(shopper.paid(5_000))

    (ticket,) = house.tickets(customer_id)
    assert (ticket["status"], ticket["reason"] is not None) == ("solved", True)
    assert _band(house, shopper) == "low"
    assert house.kinds(shopper).count("risk.cleared") == 1


def test_who_has_spent_little_gets_the_care_but_nobody_is_sent_after_him(house: House):
    shopper = a_shopper()
    _about_to_fall_silent(house, shopper, total_minor=9_999)
    until(lambda: house.find(shopper), 30)

    until(lambda: "risk.raised" in house.kinds(shopper), 60, what="no risk was raised")
    house.settle()

    assert house.tickets(house.customer(shopper)["id"]) == []


def test_the_care_goes_by_mail_only_to_who_has_agreed(house: House):
    agreed, silent = f"{word()}@moat.example", f"{word()}@moat.example"
    willing, unasked = a_shopper(), a_shopper()
    house.tell(willing.profile(emails=[agreed], locale="en"), unasked.profile(emails=[silent]))
    path = f"/v1/customers/{house.customer(willing)['id']}/consents/care/email"
    assert house.call("PUT", path, json={"status": "granted", "evidence": "asked at the till"}).status_code == 200

    _about_to_fall_silent(house, willing, unasked, total_minor=500)

    until(lambda: house.mails_to(agreed), 60, what="no mail came")
    house.settle()
    assert house.mails_to(silent) == []
    refused = [one for one in house.about(unasked, "messages")["items"] if one["channel"] == "email"]
    assert ("risk_care", "suppressed", "no_consent") in {(o["template"], o["status"], o["reason"]) for o in refused}


def test_history_raises_risks_and_tickets_but_writes_to_nobody(house: House):
    shopper, address = a_shopper(), f"{word()}@moat.example"

    house.tell(shopper.profile(emails=[address]), shopper.paid(20_000, at=ago(days=400)))

    customer_id = house.customer(shopper)["id"]
    assert _band(house, shopper) == "high"
    assert [one["kind"] for one in house.tickets(customer_id)] == ["follow_up"]
    messages = house.about(shopper, "messages")["items"]
    assert {(one["status"], one["reason"]) for one in messages} == {("suppressed", "stale")}
    assert house.mails_to(address) == []
    assert house.get("/v1/inbox", token=house.customer_token(customer_id))["items"] == []


def test_the_list_of_risks_has_the_most_value_first(house: House):
    house.tell(*(a_shopper().paid(value, at=ago(days=500)) for value in (300, 70_000, 12_000)))

    risks = [one["value_minor"] for one in house.every("/v1/risks", band="high")]

    assert risks == sorted(risks, reverse=True)
    assert len(risks) == house.get("/v1/scores/summary")["bands"]["high"]
