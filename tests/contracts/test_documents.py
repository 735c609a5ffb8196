"""The committed contract documents say what the code does, and a breaking change does not pass."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from moat.contracts.asyncapi import PARTITIONS, asyncapi_document
from moat.contracts.catalogue import EVENTS
from moat.contracts.schemas import schemas
from moat.kit.messaging.log import PARTITIONS as PARTITIONS_OF_THE_LOG

ROOT = Path(__file__).parents[2]
PAID = "moat.order.paid.v1"
RAW = "moat.intake.order.refunded.v1"
BREAKS = "from json import loads, dumps; import sys; from tools.contracts.compatibility import breaks; " + (
    "print(dumps(breaks(*loads(sys.stdin.read()))))"
)


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", BREAKS],
        cwd=ROOT,
        input=json.dumps([old, new]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def changed(name: str, change: Any) -> list[str]:
    """The breaks after `change` was made to the schema of one type."""
    old = {name: schemas()[name]}
    new = copy.deepcopy(old)
    change(new[name])
    return breaks(old, new)


def test_committed_documents_are_those_of_the_code():
    command = [sys.executable, "-m", "tools.contracts", "check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_every_schema_is_a_valid_json_schema():
    for schema in schemas().values():
        Draft202012Validator.check_schema(schema)


def test_nothing_changed_breaks_nothing():
    assert breaks(schemas(), schemas()) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].update(gift={"type": "boolean", "default": False}),
        lambda s: s["properties"]["total_minor"].update(maximum=10**13),
        lambda s: s["properties"]["total_minor"].pop("maximum"),
        lambda s: s.update(description="Better words."),
        lambda s: s["$defs"]["Line"]["properties"].update(colour={"type": "string"}),
    ],
)
def test_an_additive_or_widening_change_passes(change: Any):
    assert changed(PAID, change) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["properties"].pop("channel"), "/channel: the field is gone"),
        (lambda s: s["properties"]["order_id"].update(type="integer"), "/order_id: the type was string and is integer"),
        (lambda s: s["required"].append("channel"), "/channel: the field became required"),
        (lambda s: s["required"].remove("order_uid"), "/order_uid: the field is no longer promised"),
        (lambda s: s["properties"]["total_minor"].update(maximum=100), "/total_minor: maximum fell to 100"),
        (lambda s: s["properties"]["total_minor"].update(minimum=1), "/total_minor: minimum rose to 1"),
        (lambda s: s["properties"]["order_id"].update(maxLength=5), "/order_id: maxLength fell to 5"),
        (lambda s: s["properties"]["order_id"].update(enum=["a"]), "/order_id: fewer values are allowed"),
        (lambda s: s["properties"]["order_id"].update(pattern="^a"), "/order_id: pattern became '^a'"),
        (lambda s: s["$defs"]["Line"]["properties"].pop("sku"), "/lines/-/sku: the field is gone"),
        (lambda s: s["properties"]["channel"].update(anyOf=[{"type": "null"}]), "/channel: the type was string"),
        (lambda s: s.update(additionalProperties=False), ": other fields are refused now"),
    ],
)
def test_a_breaking_change_fails_and_is_named(change: Any, said: str):
    found = changed(PAID, change)

    assert len(found) == 1
    assert found[0].startswith(f"{PAID}{said}")


def test_a_type_that_is_gone_fails():
    assert breaks(schemas(), {name: schema for name, schema in schemas().items() if name != RAW}) == [
        f"{RAW}: the type is gone"
    ]


def test_what_outsiders_send_may_ask_for_less_but_not_for_more():
    assert changed(RAW, lambda s: s["required"].remove("refund_id")) == []
    assert changed(RAW, lambda s: s["required"].append("order_source"))


def test_the_asyncapi_document_knows_every_event_and_its_references_lead_somewhere():
    document = asyncapi_document()

    assert set(document["components"]["messages"]) == set(EVENTS)
    assert PARTITIONS == PARTITIONS_OF_THE_LOG
    for reference in _references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    assert document["operations"]["receiveIntake"]["action"] == "receive"
    assert document["operations"]["sendOrders"]["action"] == "send"


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in _references(inner)]
    return [found for inner in value for found in _references(inner)] if isinstance(value, list) else []
