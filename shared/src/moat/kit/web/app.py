"""The app factory: the routers of all features behind one strict door."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from moat.kit.auth.verifier import Authenticate, Verifier
from moat.kit.problems import Problem
from moat.kit.process import Process
from moat.kit.web.documents import document_of
from moat.kit.web.door import Door
from moat.kit.web.health import health_routes
from moat.kit.web.inflight import InFlight
from moat.kit.web.ops import router as ops_router
from moat.kit.web.rendering import MethodNotAllowed, Replayed, answer_error, response_of
from moat.kit.web.route import StrictRoute, methods_of, strict_routes
from moat.kit.web.switch import Switch

DOCUMENT_PATH: Final = "/v1/openapi.json"


def create_app(
    process: Process,
    *,
    extra_routers: Sequence[APIRouter] = (),
    title: str | None = None,
    authenticate: Authenticate | None = None,
    ops: bool = True,
) -> FastAPI:
    """The HTTP app of one process.

    Routes: every feature's in the order of `features.py`, then `extra_routers`, `/v1/ops/…` (unless `ops` is False:
    the gateway has its own), health. `authenticate` finds the caller; by default it verifies Moat's tokens with the
    process's key set. What doors need stands in `app.state`: `process`, `inflight`, `gatherings`, `authenticate`,
    `package`.
    """
    package = process.service.name.replace("-", "_")
    app = FastAPI(
        title=title or process.service.title,
        version=process.service.version,
        openapi_url=DOCUMENT_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        # Our own door makes spans and metrics; the framework's would hold whole addresses, query included.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.process = process
    app.state.package = package
    app.state.inflight = inflight = InFlight()
    app.state.gatherings = {}
    app.state.authenticate = authenticate or Verifier(
        process.keys, process.clock, audiences=[process.service.name], issuer=process.settings.token_issuer
    )
    routers = [feature.routes for feature in process.service.features if feature.routes is not None]
    for router in (*routers, *extra_routers, *([ops_router] if ops else ())):
        app.router.routes.extend(strict_routes(router))
    app.router.routes.extend(health_routes())
    app.router.routes.insert(0, Switch(route for route in app.router.routes if isinstance(route, StrictRoute)))
    for failure in (Problem, Replayed, RequestValidationError, HTTPException):
        app.add_exception_handler(failure, answer_error)
    app.add_exception_handler(405, _answer_wrong_method)
    app.add_middleware(Door, inflight=inflight)
    _document_once(app)
    return app


async def _answer_wrong_method(request: Request, _: Exception) -> Response:
    # The framework names the methods of one route; the path may have several routes.
    methods = methods_of(request.scope["app"].router.routes, request.scope)
    return response_of(MethodNotAllowed(headers={"Allow": ", ".join(methods)}), request.scope)


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    # What has to live as long as the process is started and stopped by moat.kit.run, in its order.
    yield {}


def _document_once(app: FastAPI) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document_of(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
