"""Errors that people can act on: each carries its status, a stable code and facts (RFC 9457).

They are raised anywhere, hearts included, and rendered in one place (`moat.kit.web`). On the event path a
`Problem` is a permanent error: the event becomes a dead letter at once. A class is named after the broken rule.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: an RFC 6901 pointer to it and what is wrong with it."""

    pointer: str
    detail: str


class Problem(Exception):
    """A refusal with a stable `code`; keyword facts become members of the problem document."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: int | None = None,
        headers: dict[str, str] | None = None,
        **facts: object,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds
        self.headers = headers or {}
        self.facts = facts


class BadRequest(Problem):
    """The body could not be read at all."""

    status, code, title = 400, "request.unreadable", "The request could not be read"


class Unauthenticated(Problem):
    """No caller, or one that could not be verified."""

    status, code, title = 401, "auth.unauthenticated", "Sign in first"


class Forbidden(Problem):
    """A known caller without the right."""

    status, code, title = 403, "auth.forbidden", "This token may not do that"


class NotFound(Problem):
    """There is no such thing, or none that this caller may know of."""

    status, code, title = 404, "not-found", "There is no such thing here"


class Conflict(Problem):
    """The request is well formed but the state forbids it."""

    status, code, title = 409, "conflict", "The present state does not allow this"


class PreconditionFailed(Problem):
    """Somebody else changed it first."""

    status, code, title = 412, "precondition.failed", "It has changed since it was read"


class PreconditionRequired(Problem):
    """An edit without If-Match."""

    status, code, title = 428, "precondition.required", "Send If-Match with the ETag that was read"


class Invalid(Problem):
    """A malformed payload; `errors` names each field."""

    status, code, title = 422, "request.invalid", "Some fields are not valid"


class Unavailable(Problem):
    """Something we need is away for now; trying again later is right."""

    status, code, title = 503, "unavailable", "Not available at the moment, try again soon"


def nearest(wrong: object, names: Iterable[str]) -> str:
    """A hint with the names that look most like `wrong`; empty when none does."""
    near = get_close_matches(str(wrong)[:100], sorted(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
