"""The OpenAPI document of an app, with the problems of every route and who may call it."""

from collections.abc import Iterator
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from moat.kit.problems import (
    BadRequest,
    Forbidden,
    Invalid,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    Unauthenticated,
    Unavailable,
)
from moat.kit.web.examples import Examples
from moat.kit.web.idempotency import once_guard
from moat.kit.web.keys import KeyReused, StillRunning
from moat.kit.web.preconditions import if_match_version
from moat.kit.web.rendering import MEDIA_TYPE, BodyTooLarge, UnsupportedMediaType
from moat.kit.web.route import StrictRoute, calls_of, guards_of

_REFERENCE: Final = {"$ref": "#/components/schemas/Problem"}
_PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; further members are facts of the problem.",
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:moat:request.invalid"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "`/lines/0/sku` in the body, `#/query/limit` elsewhere",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "additionalProperties": True,
}


def problems(*classes: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may refuse with these problems."""
    responses: dict[int | str, dict[str, Any]] = {}
    for problem in classes:
        response = responses.setdefault(
            problem.status, {"description": "", "content": {MEDIA_TYPE: {"schema": _REFERENCE, "examples": {}}}}
        )
        response["description"] = "; ".join(filter(None, (response["description"], problem.title)))
        response["content"][MEDIA_TYPE]["examples"][problem.code] = {
            "value": {
                "type": f"urn:moat:{problem.code}",
                "title": problem.title,
                "status": problem.status,
                "code": problem.code,
            }
        }
    return responses


def document_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, complete with the problems that any route may answer."""
    document = get_openapi(title=app.title, version=app.version, description=app.description or None, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM_SCHEMA
    examples = Examples(schemas)
    for route in _documented(app.routes):
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _complete(operation, route)
                _exemplify(operation, examples)
    return document


def _exemplify(operation: dict[str, Any], examples: Examples) -> None:
    """Give parameters, the body and what is answered on success an example where they have none."""
    for parameter in operation.get("parameters", ()):
        schema, named = parameter["schema"], parameter.keys() & {"example", "examples"}
        if parameter.get("required") and not named:
            parameter["example"] = examples.of(schema, parameter["name"])
        elif not named and not schema.get("examples"):
            # In the schema, where a page that tries routes out shows it and does not fill in what nobody asked for.
            schema["examples"] = [examples.of(schema, parameter["name"])]
    answers = (answer for status, answer in operation["responses"].items() if status.startswith("2"))
    for part in (operation.get("requestBody", {}), *answers):
        for content in part.get("content", {}).values():
            if "schema" in content and not content.keys() & {"example", "examples"}:
                content["example"] = examples.of(content["schema"])


def _documented(routes: list[BaseRoute]) -> Iterator[StrictRoute]:
    return (route for route in routes if isinstance(route, StrictRoute) and route.include_in_schema)


def _complete(operation: dict[str, Any], route: StrictRoute) -> None:
    usual: list[type[Problem]] = [Invalid, Unavailable]
    guards = list(guards_of(route.dependant))
    if guards:
        usual += [Unauthenticated, Forbidden]
        operation["x-moat-scopes"] = sorted({guard.scope for guard in guards if guard.scope})
        operation["x-moat-customers"] = all(guard.customers for guard in guards)
    if route.body_field is not None:
        usual += [BadRequest, BodyTooLarge, UnsupportedMediaType]
    calls = set(map(id, calls_of(route.dependant)))
    if id(once_guard) in calls:
        usual += [StillRunning, KeyReused]
    if id(if_match_version) in calls:
        usual += [PreconditionFailed, PreconditionRequired]
        for parameter in operation.get("parameters", ()):
            if parameter["name"] == "if-match":
                # Optional to the framework, so that its absence is our 428 and not a 422.
                parameter["required"] = True
    responses = cast(dict[str, Any], operation["responses"])
    # The framework's own description of 422 is not what we answer.
    if MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses.pop("422", None)
    for status, response in problems(*usual).items():
        known = responses.setdefault(str(status), response)
        examples = response["content"][MEDIA_TYPE]["examples"]
        if MEDIA_TYPE in known.get("content", {}):
            known["content"][MEDIA_TYPE].setdefault("examples", {}).update(examples)
    operation["responses"] = dict(sorted(responses.items()))
