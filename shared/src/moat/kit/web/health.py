"""`/livez`, `/readyz`, `/metrics`: on every process, for whoever watches it; plain ASGI routes, open to all.

Live: the loop ticks. Ready: the own database answers, is migrated as far as this code, and nobody is stopping us.
The event log is not in it: the outbox absorbs its absence.
"""

import asyncio
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from moat.kit.web.failures import sqlstate_of
from moat.kit.web.inflight import InFlight
from moat.kit.web.schema_head import head_of

READY_SECONDS_MAX: Final = 2.0
UNMIGRATED: Final = ("42P01", "42501")
"""No such table, or not ours to read: the database was never migrated."""


async def livez(_request: Request) -> Response:
    """200 as long as the loop turns."""
    return JSONResponse({"live": True})


async def readyz(request: Request) -> Response:
    """200 when requests may be sent here; 503 names what is missing."""
    missing = await missing_of(request)
    return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)


async def missing_of(request: Request) -> list[str]:
    """What keeps this process from being ready: `draining`, `database`, `migrations`."""
    state = request.scope["app"].state
    inflight: InFlight = state.inflight
    if inflight.draining:
        return ["draining"]
    try:
        async with asyncio.timeout(READY_SECONDS_MAX), state.process.db.transaction() as tx:
            revisions = {row.version_num for row in await tx.all("SELECT version_num FROM alembic_version")}
    except Exception as error:
        return ["migrations"] if sqlstate_of(error) in UNMIGRATED else ["database"]
    expected = head_of(state.package)
    return [] if expected is None or expected in revisions else ["migrations"]


async def metrics(_request: Request) -> Response:
    """The Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def health_routes() -> list[Route]:
    """The routes of health."""
    return [
        Route("/livez", livez, include_in_schema=False),
        Route("/readyz", readyz, include_in_schema=False),
        Route("/metrics", metrics, include_in_schema=False),
    ]
