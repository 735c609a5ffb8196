"""An example is made from a schema alone, is allowed by it, and is the same each time."""

from typing import Annotated, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from moat.kit.web.examples import Examples, NoExample

NODE = {"type": "object", "properties": {"text": {"type": "string"}, "next": {"$ref": "#/components/schemas/Node"}}}


class Chosen(BaseModel):
    kind: Literal["tea"] = "tea"
    grams: Annotated[int, Field(ge=50, le=80, examples=[75])]


class Order(BaseModel):
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    total_minor: Annotated[int, Field(ge=0, le=9_000)]
    lines: Annotated[list[Chosen], Field(min_length=2)]
    names: dict[Literal["zh-CN", "en"], str]
    note: str | None = None


def test_what_a_field_says_itself_comes_before_what_is_made_up():
    schema = Order.model_json_schema(ref_template="#/components/schemas/{model}")

    made = Examples(schema["$defs"]).of(schema)

    assert made == {
        "currency": "CNY",
        "total_minor": 9_000,
        "lines": [{"kind": "tea", "grams": 75}] * 2,
        "names": {"zh-CN": "春茶", "en": "en"},
        "note": "Asked for on the phone.",
    }
    Draft202012Validator({**schema, "components": {"schemas": schema["$defs"]}}).validate(made)


@pytest.mark.parametrize(
    ("schema", "name", "example"),
    [
        ({"type": "string", "format": "date"}, "day", "2026-11-20"),
        ({"type": "string", "format": "date"}, "ends_on", "2026-12-31"),
        ({"type": "array", "items": {"type": "string"}}, "currencies", ["CNY"]),
        ({"type": "string", "minLength": 60}, "word", "x" * 60),
        ({"type": "string", "maxLength": 3}, "state", "CNY"),
        ({"type": "integer", "exclusiveMinimum": 5_000}, "points", 5_001),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "sent", True),
        ({"type": ["null", "integer"]}, "days", 30),
        ({"const": "v1"}, "version", "v1"),
        ({"enum": ["open", "closed"]}, "state", "open"),
        ({"type": "integer", "default": 7}, "days", 7),
        ({"type": "null"}, "nothing", None),
        ({}, "anything", {}),
    ],
)
def test_every_kind_of_schema_has_an_example(schema: dict[str, object], name: str, example: object):
    assert Examples({}).of(schema, name) == example


def test_a_schema_that_refers_to_itself_ends_where_it_may():
    assert Examples({"Node": NODE}).of({"$ref": "#/components/schemas/Node"}) == {"text": "A sentence for people."}

    with pytest.raises(NoExample):
        Examples({"Node": NODE | {"required": ["next"]}}).of({"$ref": "#/components/schemas/Node"})
