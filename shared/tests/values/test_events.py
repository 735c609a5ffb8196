import json
from importlib.metadata import version
from uuid import UUID

import pytest
from pydantic import ValidationError

from moat.contracts.catalogue import CANONICAL, EVENTS, INTAKE
from moat.contracts.customers import CustomerMerged
from moat.contracts.orders import OrderPaid
from moat.contracts.topics import RETENTION_MS
from moat.kit.events import EventData, catalogue_of
from moat.kit.feature import Service
from moat.kit.ids import uuid7


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


@pytest.mark.parametrize(
    "text",
    [
        "01a20709-38c8-7ae8-bcba-99d778a39f83",
        "01A20709-38C8-7AE8-BCBA-99D778A39F83",
        "01a20709-38c87-ae8-bcba-99d778a39f83",
        "01a2070938c87ae8bcba99d778a39f83",
        "{01a20709-38c8-7ae8-bcba-99d778a39f83}",
        "urn:uuid:01a20709-38c8-7ae8-bcba-99d778a39f83",
    ],
)
def test_ids_in_payloads_are_read_in_every_form_and_written_in_one(text):
    merged = CustomerMerged.model_validate_json(json.dumps({"from_id": text}))

    assert merged.from_id == UUID("01a20709-38c8-7ae8-bcba-99d778a39f83")
    assert hash(merged.from_id) == hash(UUID("01a20709-38c8-7ae8-bcba-99d778a39f83"))
    assert json.loads(merged.model_dump_json()) == {"from_id": "01a20709-38c8-7ae8-bcba-99d778a39f83"}
    assert merged.model_dump() == {"from_id": merged.from_id}
    assert CustomerMerged(from_id=merged.from_id) == merged


def test_ids_in_payloads_in_the_usual_form_are_of_the_kind_that_the_house_makes():
    id_ = uuid7()

    read = CustomerMerged.model_validate_json(CustomerMerged(from_id=id_).model_dump_json()).from_id

    assert (read, type(read)) == (id_, type(id_))


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        ("01a20709-38c8-7ae8-bcba-99d778a39f8x", "uuid_parsing"),
        ("nobody", "uuid_parsing"),
        ("", "uuid_parsing"),
        (7, "uuid_type"),
        (None, "uuid_type"),
    ],
)
def test_what_is_no_id_is_refused_as_pydantic_does_it(value, refusal):
    with pytest.raises(ValidationError) as refused:
        CustomerMerged.model_validate_json(json.dumps({"from_id": value}))

    assert [error["type"] for error in refused.value.errors()] == [refusal]
