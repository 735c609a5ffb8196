from datetime import UTC, datetime, timedelta

from notify_svc.policy.decisions import CARE, RECEIPT, Contact, refusal_of_cause, refusal_of_email

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
REACHABLE = Contact(email="a@b.example", locale="en", consents=frozenset())
WILLING = Contact(email="a@b.example", locale="en", consents=frozenset({("care", "email")}))
NOWHERE = Contact(email=None, locale=None, consents=frozenset({("care", "email")}))


def test_what_happened_48_hours_ago_is_still_fresh_and_a_microsecond_more_is_stale():
    assert refusal_of_cause(NOW - timedelta(hours=48), at=NOW) is None
    assert refusal_of_cause(NOW - timedelta(hours=48, microseconds=1), at=NOW) == "stale"


def test_a_receipt_needs_no_consent():
    assert refusal_of_email(RECEIPT, REACHABLE, NOW, at=NOW) is None


def test_care_needs_consent_by_email():
    assert refusal_of_email(CARE, REACHABLE, NOW, at=NOW) == "no_consent"
    assert refusal_of_email(CARE, WILLING, NOW, at=NOW) is None


def test_consent_for_another_channel_is_no_consent():
    by_phone = Contact(email="a@b.example", locale=None, consents=frozenset({("care", "sms"), ("marketing", "email")}))

    assert refusal_of_email(CARE, by_phone, NOW, at=NOW) == "no_consent"


def test_without_an_address_nothing_is_sent():
    assert refusal_of_email(CARE, NOWHERE, NOW, at=NOW) == "no_address"
    assert refusal_of_email(RECEIPT, None, NOW, at=NOW) == "no_address"


def test_what_waited_too_long_is_stale_at_the_moment_of_sending():
    assert refusal_of_email(RECEIPT, REACHABLE, NOW - timedelta(hours=49), at=NOW) == "stale"
