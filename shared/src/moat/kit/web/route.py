"""A route that is strict at the door: caller first, then query parameters, content type and body, then the endpoint."""

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from moat.kit.auth.doors import Allow
from moat.kit.problems import FieldError, Invalid
from moat.kit.web.plain import answer, parted
from moat.kit.web.reading import pointer_part, read_json
from moat.kit.web.rendering import UnsupportedMediaType

QUERY_BYTES_MAX: Final = 8_192
PARAMETERS_MAX: Final = 100
_INHERITED: Final = (
    "response_model",
    "status_code",
    "tags",
    "dependencies",
    "summary",
    "description",
    "response_description",
    "responses",
    "deprecated",
    "name",
    "methods",
    "operation_id",
    "response_model_include",
    "response_model_exclude",
    "response_model_by_alias",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
    "include_in_schema",
    "response_class",
    "dependency_overrides_provider",
    "callbacks",
    "openapi_extra",
    "generate_unique_id_function",
)


class CalledInThread(TypeError):
    """A route asks for something that the framework would hand to a thread: a hop costs more than the call."""


class StrictRequest(Request):
    """A request whose JSON was read by our own reader."""

    document: Any = None

    async def json(self) -> Any:
        """The document, read before the framework asks."""
        return self.document


class StrictRoute(APIRoute):
    """The only kind of route in our apps."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler behind the checks."""
        for call in calls_of(self.dependant):
            if not _is_async(call):
                raise CalledInThread(f"{call!r} of {self.path} is not `async def`")
        whole = self.dependant
        plain, self.dependant = parted(whole)
        handler = super().get_route_handler()
        # The documents tell of all that a route asks for.
        self.dependant = whole
        guards = tuple(guards_of(self.dependant))
        known = frozenset(query_names(self.dependant))
        reads_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def strict(request: Request) -> Response:
            for guard in guards:
                await guard(request)
            scope = request.scope
            if scope["query_string"]:
                _check_query(scope["query_string"], known)
            if "\0" in scope["path"]:
                raise Invalid(errors=[FieldError("#/path", "holds a NUL character")])
            if reads_json:
                request = StrictRequest(scope, request.receive)
                await _read(request)
            await answer(request, plain)
            return await handler(request)

        return strict


async def _read(request: StrictRequest) -> None:
    body = await request.body()
    if not body:
        return
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise UnsupportedMediaType("Send application/json", accepted=["application/json"])
    request.document = read_json(body)


def _check_query(query: bytes, known: frozenset[str]) -> None:
    if len(query) > QUERY_BYTES_MAX:
        raise Invalid(errors=[FieldError("#/query", f"is over {QUERY_BYTES_MAX} bytes")])
    if b"%00" in query or b"\0" in query:
        raise Invalid(errors=[FieldError("#/query", "holds a NUL character")])
    try:
        names = {name for name, _ in parse_qsl(query.decode("latin-1"), True, max_num_fields=PARAMETERS_MAX)}
    except ValueError:
        raise Invalid(errors=[FieldError("#/query", f"has over {PARAMETERS_MAX} parameters")]) from None
    if unknown := names - known:
        errors = [
            FieldError(f"#/query/{pointer_part(name)[:100]}", "is not a parameter here") for name in sorted(unknown)
        ]
        raise Invalid(errors=errors[:20], known=sorted(known))


def query_names(dependant: Dependant) -> Iterator[str]:
    """The names of every query parameter that a route and its dependencies declare."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from (f.alias or name for name, f in annotation.model_fields.items())
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from query_names(inner)


def guards_of(dependant: Dependant) -> Iterator[Allow]:
    """The `allow(…)` that stand before a route, wherever in its dependencies."""
    return (call for call in calls_of(dependant) if isinstance(call, Allow))


def calls_of(dependant: Dependant) -> Iterator[object]:
    """Everything that is called for a route: its endpoint and its dependencies."""
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls_of(inner)


def _is_async(call: object) -> bool:
    function = call if inspect.isroutine(call) or inspect.isclass(call) else type(call).__call__
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def methods_of(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """The methods that some route takes at the path of this request, sorted."""
    methods: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)


_BUILT: dict[int, tuple[APIRouter, tuple[BaseRoute, ...]]] = {}
"""By id, as routers cannot be hashed; kept with its router, so that the id stays its own."""


def strict_routes(router: APIRouter) -> tuple[BaseRoute, ...]:
    """The routes of a feature's router, nested ones included, as strict routes (others as they are).

    Built once for all apps that show the router: that is most of what an app costs, and a route knows nothing of its
    app but what a request brings.
    """
    if id(router) not in _BUILT:
        contexts = iter_route_contexts(router.routes)
        built = (
            _strict(context) if isinstance(context.original_route, APIRoute) else context.original_route
            for context in contexts
        )
        _BUILT[id(router)] = (router, tuple(built))
    return _BUILT[id(router)][1]


def _strict(context: RouteContext) -> StrictRoute:
    inherited = {name: getattr(context, name) for name in _INHERITED}
    assert context.path is not None
    assert context.endpoint is not None
    return StrictRoute(context.path, context.endpoint, **inherited)
