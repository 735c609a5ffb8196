"""What asks for the request alone is called by us: the framework's walk to it costs more than the call.

A route of ours asks for the database, the clock, who calls, and whom it is about. For each the framework solves
parameters, headers and cookies that are not there, and keeps a cache of the outcome. Here they are called once a
request, in their order, after the document was read and before anything in it is judged, as the framework would.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import fields, replace
from functools import wraps
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from starlette.requests import Request

Call = Callable[..., Awaitable[Any]]

_ANSWERS: Final = "moat.plain"
_REQUEST: Final = "moat_request"
_OF_ITSELF: Final = frozenset({"name", "call", "path", "use_cache", "request_param_name"})
"""What may be said of a dependency that asks for the request alone."""


def parted(dependant: Dependant) -> tuple[tuple[Call, ...], Dependant]:
    """What the route's tree asks of the request alone, and the tree without it, for the framework to solve."""
    plain = tuple(dict.fromkeys(sub.call for sub in _under(dependant) if sub.call is not None and _is_plain(sub)))
    return plain, _without(dependant)


async def answer(request: Request, plain: tuple[Call, ...]) -> None:
    """Call them for this request."""
    answers = request.scope[_ANSWERS] = {}
    for call in plain:
        answers[call] = await call(request)


def _under(dependant: Dependant) -> Iterator[Dependant]:
    for sub in dependant.dependencies:
        yield sub
        yield from _under(sub)


def _is_plain(dependant: Dependant) -> bool:
    said = {field.name for field in fields(dependant) if getattr(dependant, field.name) not in (None, [])}
    return said <= _OF_ITSELF and dependant.request_param_name is not None


def _without(dependant: Dependant) -> Dependant:
    asked = {sub.name: sub.call for sub in dependant.dependencies if _is_plain(sub)}
    left = [_without(sub) for sub in dependant.dependencies if not _is_plain(sub)]
    if not asked:
        return replace(dependant, dependencies=left)
    named = [(name, call) for name, call in asked.items() if name is not None]
    call, own = dependant.call, dependant.request_param_name
    assert call is not None

    @wraps(call)
    async def with_answers(**values: Any) -> Any:
        request = values[own] if own else values.pop(_REQUEST)
        answers = request.scope[_ANSWERS]
        for name, one in named:
            values[name] = answers[one]
        return await call(**values)

    return replace(dependant, call=with_answers, dependencies=left, request_param_name=own or _REQUEST)
