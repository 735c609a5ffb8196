from importlib.metadata import version

import pytest

from moat.contracts.catalogue import CANONICAL, EVENTS, INTAKE
from moat.contracts.orders import OrderPaid
from moat.contracts.topics import RETENTION_MS
from moat.kit.events import EventData, catalogue_of
from moat.kit.feature import Service


def test_every_type_has_a_name_of_the_house_and_a_topic_that_exists():
    for name, payload in EVENTS.items():
        assert name == payload.TYPE
        assert name.startswith("moat.")
        assert name.endswith(".v1")
        assert payload.TOPIC in RETENTION_MS


def test_canonical_events_carry_no_personal_data():
    personal = {
        "name",
        "email",
        "emails",
        "phone",
        "phones",
        "address",
        "birthday",
        "value",
        "body",
        "subject",
        "customer",
    }

    for payload in CANONICAL.values():
        assert not personal & (
            set(payload.model_fields) - {"name"} if "activity" in payload.TYPE else set(payload.model_fields)
        )


def test_readers_ignore_fields_they_do_not_know_but_intake_refuses_them():
    for payload in CANONICAL.values():
        assert payload.model_config["extra"] == "ignore"
    for payload in INTAKE.values():
        assert payload.model_config["extra"] == "forbid"


def test_two_classes_of_one_type_are_refused():
    class Impostor(EventData):
        TYPE = OrderPaid.TYPE
        TOPIC = "moat.orders"

    with pytest.raises(ValueError, match="two payload classes"):
        catalogue_of([OrderPaid, Impostor])


def test_a_service_tells_the_version_that_is_installed():
    assert Service("loyalty-svc", "", ()).version == version("moat-loyalty-svc")
    assert Service("nobody-svc", "", ()).version == "0"
