"""Every refusal and failure, rendered in one place as an RFC 9457 problem document.

Nothing here echoes what was sent, and nothing tells what broke inside: that goes to the log.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import structlog
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from moat.kit.problems import (
    BadRequest,
    FieldError,
    Invalid,
    NotFound,
    Problem,
)
from moat.kit.web.failures import is_database_refusal, unavailable_of
from moat.kit.web.reading import POINTER_CHARACTERS_MAX, pointer_part

MEDIA_TYPE: Final = "application/problem+json"
ERRORS_MAX: Final = 50
HEALTH_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})

log = structlog.get_logger("moat.web")


class NoSuchRoute(NotFound):
    """No route of this path."""

    code, title = "route.unknown", "There is no such route"


class MethodNotAllowed(Problem):
    """The route exists, the method does not."""

    status, code, title = 405, "route.method-not-allowed", "This route does not take that method"


class UnsupportedMediaType(Problem):
    """A body of another content type than the route reads."""

    status, code, title = 415, "request.content-type", "The body has another content type than this route reads"


class BodyTooLarge(Problem):
    """A body over the bound."""

    status, code, title = 413, "request.too-large", "The body is too large"


class DeadlineExceeded(Problem):
    """The answer was not ready in time; what was begun is finished, and a repeat with the same key tells how."""

    status, code, title = 504, "deadline.exceeded", "The answer was not ready in time"


class Internal(Problem):
    """A mistake of ours; the log has the rest under the request id."""


class Replayed(Exception):
    """Not a failure: an earlier answer, given again instead of running the endpoint."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered before")
        self.response = response


def response_of(error: Exception, scope: Scope) -> Response:
    """The answer to a request whose endpoint raised `error`."""
    if isinstance(error, Replayed):
        return error.response
    return render(problem_of(error, scope), scope)


async def answer_error(request: Request, error: Exception) -> Response:
    """The exception handler of the apps."""
    return response_of(error, request.scope)


def problem_of(error: Exception, scope: Scope) -> Problem:
    """What the caller is told about `error`; what he is not told is logged here."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return Invalid(errors=field_errors(cast(Sequence[Mapping[str, Any]], error.errors())))
    if isinstance(error, HTTPException):
        return _of_framework(error)
    unavailable = unavailable_of(error)
    if unavailable is not None:
        log.warning("request.unavailable", error=type(error).__name__, reason=unavailable.code)
        return unavailable
    if is_database_refusal(error) and b"cursor=" in scope.get("query_string", b""):
        # Only a made-up cursor can carry a value of another type into a statement.
        return Invalid(errors=[FieldError("#/query/cursor", "is not a cursor of this list")])
    log.error("request.failed", route=template_of(scope), exc_info=error)
    return Internal()


def render(problem: Problem, scope: Scope) -> Response:
    """The problem document, with the headers that belong to it."""
    document: dict[str, object] = {
        "type": f"urn:moat:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
    }
    if problem.detail:
        document["detail"] = problem.detail
    request_id = scope.get("moat.request_id")
    if request_id:
        document["instance"] = f"urn:moat:request:{request_id}"
    if problem.errors:
        document["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in problem.errors[:ERRORS_MAX]]
    for name, fact in problem.facts.items():
        document.setdefault(name, fact)
    headers = dict(problem.headers)
    if problem.retry_after_seconds is not None:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    body = to_json(document, fallback=str)
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Pydantic's errors as places and details: `/lines/0/quantity` in the body, `#/query/limit` elsewhere."""
    return [FieldError(_pointer(e["loc"]), _detail(e)) for e in errors[:ERRORS_MAX]]


def _pointer(loc: Sequence[str | int]) -> str:
    if loc and loc[0] in ("query", "path", "header", "cookie"):
        pointer = "#/" + "/".join(pointer_part(part) for part in loc)
    else:
        pointer = "".join(f"/{pointer_part(part)}" for part in (loc[1:] if loc[:1] == ("body",) else loc))
    return pointer[:POINTER_CHARACTERS_MAX].encode("utf-8", "replace").decode()


# Messages of Pydantic that quote what was sent.
_QUOTING: Final = {
    "uuid_parsing": "is not a UUID",
    "uuid_type": "is not a UUID",
    "literal_error": None,
    "enum": None,
    "json_invalid": "is not JSON",
    "union_tag_invalid": "names an unknown kind",
    "datetime_from_date_parsing": "is not an RFC 3339 instant",
    "datetime_parsing": "is not an RFC 3339 instant",
    "date_from_datetime_parsing": "is not a date",
    "date_parsing": "is not a date",
    "url_parsing": "is not an address",
    "decimal_parsing": "is not a number",
}


def _detail(error: Mapping[str, Any]) -> str:
    known = _QUOTING.get(error["type"])
    return known or str(error["msg"]).removeprefix("Value error, ")


def _of_framework(error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return NoSuchRoute()
    if error.status_code == 405:
        return MethodNotAllowed(headers=headers)
    if error.status_code == 413:
        return BodyTooLarge(headers=headers)
    if 400 <= error.status_code < 500:
        return BadRequest(headers=headers)
    return Internal()


def template_of(scope: Scope) -> str:
    """The template of the route that took the request (`/v1/tickets/{id}`), never the path itself."""
    template: str | None = getattr(scope.get("route"), "path_format", None)
    if template is None:
        return scope["path"] if scope["path"] in HEALTH_PATHS else "unmatched"
    return template
