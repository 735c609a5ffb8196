"""Two customers turn out to be one: every service answers the survivor, whatever was in flight."""

from whole.facts import Shopper, a_phone, a_shopper
from whole.house import Document, House

PARTS = ("orders", "loyalty", "loyalty/postings", "scores", "messages", "timeline", "consents", "overview")


def _joined(first: Shopper, second: Shopper) -> Shopper:
    return Shopper((*first.names, *second.names))


def _ids(house: House, *shoppers: Shopper) -> list[str]:
    return [house.customer(shopper)["id"] for shopper in shoppers]


def _ticket(house: House, customer_id: str) -> Document:
    body = {"customer_id": customer_id, "kind": "question", "subject": "?", "body": "?", "channel": "wechat"}
    document: Document = house.post("/v1/tickets", body)
    return document


def test_after_a_merge_every_service_answers_the_survivor_under_both_ids(house: House):
    shop, app = a_shopper(), a_shopper("app", "openid")
    house.tell(shop.paid(30_000))
    house.tell(app.paid(25_000))
    older, younger = _ids(house, shop, app)
    ticket = _ticket(house, younger)

    house.tell(_joined(shop, app).says("activity.recorded", name="signed in"))

    assert _ids(house, shop, app) == [older, older]
    assert house.get(f"/v1/customers/{younger}")["id"] == older
    for part in PARTS:
        of_survivor, of_merged = (house.get(f"/v1/customers/{id_}/{part}") for id_ in (older, younger))
        for answer in (of_survivor, of_merged):
            answer.pop("as_of", None)
            answer.pop("scores", None)
        if part != "scores":
            assert of_merged == of_survivor, part
        assert of_merged.get("customer_id", older) == older
    assert house.points(shop)["available"] == 550
    assert house.points(shop)["earned_total"] == 550
    assert house.about(shop, "loyalty")["tier"]["code"] == "gold"
    assert house.customer(shop)["orders_count"] == 2
    assert house.about(shop, "scores")["orders_count"] == 2
    assert [one["id"] for one in house.tickets(younger)] == [ticket["id"]]
    assert house.get(f"/v1/tickets/{ticket['id']}")["customer_id"] == older
    assert house.get("/v1/loyalty/audit")["violations"] == []


def test_facts_in_flight_for_both_land_on_the_survivor(house: House):
    shop, app = a_shopper(), a_shopper("app", "openid")
    both = _joined(shop, app)

    for round_ in range(6):
        house.send(*(shop.paid(1_000) for _ in range(5)))
        house.send(*(app.paid(2_000) for _ in range(5)))
        if round_ == 2:
            house.send(both.says("activity.recorded", name="signed in"))
    house.settle()

    older, younger = _ids(house, shop, app)
    assert older == younger
    assert house.customer(shop)["orders_count"] == 60
    assert house.points(shop)["available"] == 30 * 10 + 30 * 20
    scores = house.about(shop, "scores")
    assert (scores["orders_count"], scores["value_minor"]) == (60, 90_000)
    messages = house.every(f"/v1/customers/{older}/messages")
    assert len([one for one in messages if (one["template"], one["channel"]) == ("order_receipt", "inbox")]) == 60
    assert house.get("/v1/loyalty/audit")["violations"] == []


def test_a_refund_for_the_one_who_was_merged_away_takes_from_the_survivor(house: House):
    shop, app = a_shopper(), a_shopper("app", "openid")
    house.tell(shop.paid(10_000), app.paid(20_000, "before the merge " + app.names[0]["value"]))

    house.send(_joined(shop, app).says("activity.recorded", name="signed in"))
    house.tell(app.refunded(20_000, "before the merge " + app.names[0]["value"]))

    account = house.points(shop)
    assert (account["available"], account["earned_total"], account["reversed_total"]) == (100, 300, 200)


def test_two_members_of_one_shop_stay_two_though_they_share_a_phone(house: House):
    phone = a_phone()
    li, wang = a_shopper().also("phone", phone), a_shopper().also("phone", phone)

    house.tell(li.paid(10_000))
    house.tell(wang.paid(20_000))

    first, second = _ids(house, li, wang)
    assert first != second
    assert (house.points(li)["available"], house.points(wang)["available"]) == (100, 200)


def test_a_customer_token_of_the_one_who_was_merged_away_reads_the_survivor(house: House):
    shop, app = a_shopper(), a_shopper("app", "openid")
    house.tell(shop.paid(9_000))
    house.tell(app.paid(9_000))
    older, younger = _ids(house, shop, app)
    token = house.customer_token(younger)

    house.tell(_joined(shop, app).says("activity.recorded", name="signed in"))

    for id_ in (older, younger):
        assert house.get(f"/v1/customers/{id_}/loyalty", token=token)["customer_id"] == older
    assert len(house.get("/v1/inbox", token=token)["items"]) == 2


def test_two_who_were_one_by_mistake_are_parted_by_staff_and_every_service_answers_each_his_own(house: House):
    shop, app = a_shopper(), a_shopper("app", "openid")
    house.tell(shop.paid(30_000))
    house.tell(app.paid(25_000))
    older, younger = _ids(house, shop, app)
    house.tell(_joined(shop, app).says("activity.recorded", name="signed in"))
    house.tell(app.paid(1_000, "since " + app.names[0]["value"]))
    assert house.points(shop)["available"] == 560

    foreseen = house.post(f"/v1/customers/{older}/split/preview", {"from_id": younger})
    house.post(f"/v1/customers/{older}/split", {"from_id": younger})
    house.settle()
    house.tell(app.refunded(1_000, "since " + app.names[0]["value"]))

    assert foreseen["orders_count"] == 2
    assert _ids(house, shop, app) == [older, younger]
    assert (house.points(shop)["available"], house.points(app)["available"]) == (300, 250)
    assert [house.about(one, "loyalty")["tier"]["code"] for one in (shop, app)] == ["silver", "silver"]
    assert [house.customer(one)["orders_count"] for one in (shop, app)] == [1, 2]
    assert [house.about(one, "scores")["orders_count"] for one in (shop, app)] == [1, 2]
    assert house.get("/v1/loyalty/audit")["violations"] == []
