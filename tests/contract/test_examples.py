"""Every operation says what it is for and shows what goes in and out; each example fits its own schema."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker

from moat.kit.clock import SystemClock
from moat.kit.process import Process
from moat.kit.settings import ProcessSettings
from moat.kit.testing.callers import trusted_keys
from moat.kit.testing.web import NoLog
from moat.kit.web.app import create_app
from moat.kit.web.route import StrictRoute
from moat_local.plan import PARTS, Part

SETTINGS = ProcessSettings(
    database_url="postgresql://unused", events_url="postgresql://unused", gateway_url="http://gateway.test"
)
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Operation = tuple[str, dict[str, Any]]


def app_of(part: Part) -> FastAPI:
    """The app of a part of the house; nothing is connected to."""
    service = import_module(f"{part.package}.features").SERVICE
    process = Process(service, SETTINGS, db=None, log=NoLog(), clock=SystemClock(), keys=trusted_keys())
    return create_app(process, ops=part.name != "gateway")


@pytest.fixture(scope="module", params=PARTS, ids=lambda part: part.name)
def app(request: pytest.FixtureRequest) -> FastAPI:
    return app_of(request.param)


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    """What a part of the house says of itself."""
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def shown(place: dict[str, Any]) -> list[Any]:
    """The examples of a parameter or of a content."""
    return [place["example"]] if "example" in place else [one["value"] for one in place.get("examples", {}).values()]


def wrong(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Where the value is not what the schema, with the components of its document, allows."""
    whole = {"$schema": DIALECT, "components": document["components"], **schema}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body and every answer of success, each with the name it has in a complaint."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"body as {kind}", content
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items() if status.startswith("2") else ():
            yield f"{status} as {kind}", content


def test_every_operation_says_in_words_what_it_does(document: dict[str, Any]):
    silent = [name for name, one in operations(document) if not (one.get("summary") and one.get("description"))]

    assert silent == []


def test_bodies_and_answers_have_examples_that_fit_their_schemas(document: dict[str, Any]):
    found: list[str] = []
    for name, operation in operations(document):
        for where, content in contents(operation):
            examples = shown(content)
            if not examples:
                found.append(f"{name}: no example of {where}")
            found += [
                f"{name}: {where}: {what}" for one in examples for what in wrong(document, content["schema"], one)
            ]

    assert found == []


def test_parameters_have_examples_that_fit_their_schemas(document: dict[str, Any]):
    found: list[str] = []
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            examples = shown(parameter) or parameter["schema"].get("examples", [])
            if not examples:
                found.append(f"{name}: no example of {parameter['name']}")
            for one in examples:
                found += [f"{name}: {parameter['name']}: {what}" for what in wrong(document, parameter["schema"], one)]

    assert found == []


def test_a_body_that_is_shown_is_well_formed(app: FastAPI, document: dict[str, Any]):
    found: list[str] = []
    for route in app.router.routes:
        if not isinstance(route, StrictRoute) or route.body_field is None or not route.include_in_schema:
            continue
        for method in sorted(route.methods or ()):
            body = document["paths"][route.path_format][method.lower()]["requestBody"]
            for example in (one for content in body["content"].values() for one in shown(content)):
                _, errors = route.body_field.validate(example, {}, loc=("body",))
                found += [f"{method} {route.path_format}: {error['loc']}: {error['msg']}" for error in errors or ()]

    assert found == []
