"""Mail goes out to an address and a consent asked for at that moment; each refusal has its reason."""

from whole.facts import Shopper, a_phone, a_shopper, word
from whole.house import House


def _mail_messages(house: House, shopper: Shopper) -> dict[str, tuple[str, str | None]]:
    """Template → (status, reason) of what he would get by mail."""
    messages = house.about(shopper, "messages")["items"]
    return {one["template"]: (one["status"], one["reason"]) for one in messages if one["channel"] == "email"}


def _an_address() -> str:
    return f"{word()}@moat.example"


def _consent(house: House, shopper: Shopper, status: str) -> None:
    path = f"/v1/customers/{house.customer(shopper)['id']}/consents/care/email"
    answer = house.call("PUT", path, json={"status": status, "evidence": "asked at the till"})
    assert answer.status_code == 200, answer.text


def test_a_receipt_needs_no_consent_and_is_mailed_once(house: House):
    shopper, address, order = a_shopper(), _an_address(), word()
    house.tell(shopper.profile(emails=[address]))
    fact = shopper.paid(5_000, order)

    house.tell(fact, fact)
    house.tell(fact)

    (mail,) = house.mails_to(address)
    assert "care@moat.example" in mail
    assert _mail_messages(house, shopper)["order_receipt"][0] in ("sent", "delivered")


def test_congratulations_go_by_mail_to_who_granted_it_not_to_who_revoked_or_was_never_asked(house: House):
    shoppers = {status: a_shopper() for status in ("granted", "revoked", "denied", "never asked")}
    addresses = {status: _an_address() for status in shoppers}
    house.tell(*(shopper.profile(emails=[addresses[status]]) for status, shopper in shoppers.items()))
    for status in ("granted", "revoked", "denied"):
        _consent(house, shoppers[status], "granted")
        _consent(house, shoppers[status], status)

    house.tell(*(shopper.paid(60_000) for shopper in shoppers.values()))

    # The receipt needs no consent, so everybody has that one.
    assert {status: len(house.mails_to(address)) for status, address in addresses.items()} == {
        "granted": 2,
        "revoked": 1,
        "denied": 1,
        "never asked": 1,
    }
    assert _mail_messages(house, shoppers["revoked"])["tier_congratulations"] == ("suppressed", "no_consent")


def test_who_has_no_address_gets_no_mail_and_the_reason_is_kept(house: House):
    shopper = a_shopper()

    house.tell(shopper.paid(5_000))

    assert _mail_messages(house, shopper)["order_receipt"] == ("suppressed", "no_address")


def test_what_a_customer_said_is_read_told_and_looked_up(house: House):
    shopper, address, phone = a_shopper(), _an_address(), a_phone()
    house.tell(shopper.profile(emails=[address.upper()], phones=[phone], locale="en", zone="Asia/Shanghai"))
    _consent(house, shopper, "granted")
    house.settle()
    customer_id = house.customer(shopper)["id"]

    (consent,) = house.about(shopper, "consents")["items"]
    (contact,) = house.post("/v1/contacts/lookup", {"ids": [customer_id]})["items"]

    assert (consent["purpose"], consent["channel"], consent["status"]) == ("care", "email", "granted")
    assert "customer.consent_changed" in house.kinds(shopper)
    assert (contact["emails"], contact["phones"], contact["locale"]) == ([address], [phone], "en")
    assert contact["consents"] == [{"purpose": "care", "channel": "email", "status": "granted"}]
