"""One paid order from the shop's POST to everything that staff and the customer himself can see of it."""

from whole.facts import a_shopper, word
from whole.house import House
from whole.topic import published_about


def test_one_order_becomes_a_customer_points_a_tier_a_receipt_and_a_timeline(house: House):
    shopper, order = a_shopper(), word()
    line = {"sku": "cd-rock", "name": "Rock", "category": "music", "quantity": 2, "amount_minor": 25_050}
    fact = shopper.paid(25_050, order, id=f"{order}-paid")
    fact["data"]["lines"] = [line]

    house.tell(fact)

    customer = house.customer(shopper)
    assert (customer["orders_count"], customer["spent"]) == (1, [{"currency": "CNY", "amount_minor": 25_050}])
    (bought,) = house.about(shopper, "orders")["items"]
    assert (bought["order_id"], bought["status"], bought["total_minor"]) == (order, "paid", 25_050)
    assert line.items() <= bought["lines"][0].items()
    loyalty = house.about(shopper, "loyalty")
    assert house.points(shopper)["available"] == 250
    assert (loyalty["tier"]["code"], loyalty["tier"]["next"]["missing"]) == ("silver", 250)
    (posting,) = house.about(shopper, "loyalty/postings?account_type=points")["items"]
    assert (posting["amount"], posting["balance_after"], posting["cause"]["order_id"]) == (250, 250, order)
    assert house.about(shopper, "scores")["risk"]["band"] == "low"
    told = house.kinds(shopper)
    assert {"customer.created", "order.paid", "points.earned", "tier.upgraded", "message.delivered"} <= set(told)


def test_the_customer_finds_the_receipt_in_his_inbox_and_reads_it(house: House):
    shopper, order = a_shopper(), word()
    house.tell(shopper.paid(19_900, order))
    token = house.customer_token(house.customer(shopper)["id"])

    (receipt,) = house.get("/v1/inbox", token=token)["items"]
    house.post(f"/v1/inbox/{receipt['id']}/read", token=token)

    assert (receipt["template"], receipt["read_at"]) == ("order_receipt", None)
    assert order in receipt["subject"] + receipt["body"]
    (read,) = house.get("/v1/inbox", token=token)["items"]
    assert (read["id"], read["read_at"] is not None) == (receipt["id"], True)


def test_staff_see_it_all_in_one_call(house: House):
    shopper = a_shopper()
    house.tell(shopper.paid(50_000))
    customer_id = house.customer(shopper)["id"]
    house.post(
        "/v1/tickets",
        {
            "customer_id": customer_id,
            "kind": "question",
            "subject": "Where?",
            "body": "Where is it?",
            "channel": "phone",
        },
    )

    overview = house.about(shopper, "overview")

    assert overview["missing"] == []
    assert overview["customer"]["id"] == overview["loyalty"]["customer_id"] == customer_id
    assert overview["loyalty"]["tier"]["code"] == "gold"
    assert (overview["scores"]["orders_count"], overview["scores"]["value_minor"]) == (1, 50_000)
    assert "Where?" in str(overview["tickets"])
    assert "order_receipt" in str(overview["messages"])


def test_one_trace_follows_the_order_through_every_service(house: House):
    shopper, trace = a_shopper(), (word() + word())
    house.send(shopper.paid(30_000), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    house.settle()

    published = published_about(house, house.customer(shopper)["id"])

    assert {"moat.customers", "moat.orders", "moat.loyalty", "moat.engagement"} <= {one.topic for one in published}
    assert {one.headers["ce_traceparent"].split("-")[1] for one in published} == {trace}


def test_what_services_tell_each_other_names_its_cause_and_no_person(house: House):
    address, name = f"{word()}@moat.example", f"Li {word()}"
    shopper = a_shopper()
    house.tell(shopper.profile(emails=[address], name=name), shopper.paid(30_000))

    published = published_about(house, house.customer(shopper)["id"])

    paid = next(one for one in published if one.headers["ce_type"] == "moat.order.paid.v1")
    earned = next(one for one in published if one.headers["ce_type"] == "moat.points.earned.v1")
    assert earned.headers["ce_causationid"] == paid.headers["ce_id"]
    assert earned.headers["ce_correlationid"] == paid.headers["ce_correlationid"]
    assert not [one for one in published if address in str(one) or name in str(one)]
