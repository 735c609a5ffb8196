"""HTTP door: the state of the house, and what could not be handled."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from gateway.identity.context import SessionOf
from gateway.ops.problems import AlreadyResolved, UnknownDeadLetter, UnknownService
from gateway.ops.settling import is_idle, is_settled
from gateway.ops.usecases import act, dead_letters, one_round
from gateway.proxy.routing import SERVICES
from gateway.upstreams.asking import Answer
from gateway.upstreams.problems import UpstreamAway, UpstreamSilent
from gateway.upstreams.upstream import Upstream
from moat.kit.auth import Caller, allow
from moat.kit.web import problems

router = APIRouter(prefix="/v1/ops", tags=["ops"])
Operator = Annotated[Caller, Depends(allow("ops"))]


class ServiceState(BaseModel):
    """One service's own numbers; null where it did not answer."""

    model_config = ConfigDict(extra="ignore")

    name: str
    ready: bool
    version: str | None = None
    outbox: int | None = None
    lag: int | None = None
    timers_overdue: int | None = None
    dead_letters: int | None = None
    in_flight: int | None = None


class HouseState(BaseModel):
    """`settled`: twice in a row nothing was left to do anywhere, and nothing came in between."""

    settled: bool
    services: list[ServiceState]


class DeadLetter(BaseModel):
    """A record that a service could not handle."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    service: str
    consumer: str
    topic: str
    type: str | None
    key: str | None
    error: str
    attempts: int
    at: datetime
    status: str


class DeadLetters(BaseModel):
    """A page; `missing` names the services that did not answer."""

    items: list[DeadLetter]
    next_cursor: str | None
    missing: list[str]


class Discard(BaseModel):
    """Why it may be forgotten."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]


async def upstreams_of(request: Request) -> dict[str, Upstream]:
    """The services behind this gateway."""
    upstreams: dict[str, Upstream] = request.app.state.upstreams
    return upstreams


Upstreams = Annotated[dict[str, Upstream], Depends(upstreams_of)]


@router.get("/status")
async def status(request: Request, upstreams: Upstreams, session: SessionOf, _: Operator) -> HouseState:
    """How every service is, and whether the house has settled."""
    first = await one_round(upstreams, session)
    # In a round each service asks the log of some hundred places; a house that is at work needs no second one.
    second = await one_round(upstreams, session) if is_idle(first) else first
    waiting = request.app.state.appender.records_waiting
    own = ServiceState(
        name="gateway",
        ready=True,
        version=request.app.version,
        outbox=0,
        lag=0,
        timers_overdue=0,
        dead_letters=0,
        in_flight=waiting,
    )
    services = [
        ServiceState(name=name, ready=False) if said is None else ServiceState.model_validate({**said, "name": name})
        for name, said in second.items()
    ]
    return HouseState(settled=waiting == 0 and is_settled(first, second), services=[own, *services])


@router.get("/dead-letters", responses=problems(UnknownService))
async def list_dead_letters(
    upstreams: Upstreams,
    session: SessionOf,
    _: Operator,
    service: Annotated[str | None, Query(max_length=40, description="Only this service's")] = None,
    status: Annotated[Literal["pending", "replayed", "discarded"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> DeadLetters:
    """The dead letters of all services, one service after the other, the oldest first."""
    if service is not None and service not in upstreams:
        raise UnknownService
    asked = [upstreams[name] for name in ([service] if service else SERVICES)]
    items, next_cursor, missing = await dead_letters(asked, session, status=status, limit=limit, cursor=cursor)
    return DeadLetters(items=items, next_cursor=next_cursor, missing=missing)


_REFUSALS = problems(UnknownService, UnknownDeadLetter, AlreadyResolved, UpstreamAway, UpstreamSilent)


@router.post("/dead-letters/{service}/{id}/replay", response_model=DeadLetter, responses=_REFUSALS)
async def replay(service: str, id: UUID, upstreams: Upstreams, session: SessionOf, _: Operator) -> Response:
    """Handle the record again; safe to repeat, and written to the service's audit."""
    if service not in upstreams:
        raise UnknownService
    return _as_said(await act(upstreams[service], session, str(id), "replay", None))


@router.post("/dead-letters/{service}/{id}/discard", response_model=DeadLetter, responses=_REFUSALS)
async def discard(
    service: str, id: UUID, body: Discard, upstreams: Upstreams, session: SessionOf, _: Operator
) -> Response:
    """Forget the record for a reason; safe to repeat, and written to the service's audit."""
    if service not in upstreams:
        raise UnknownService
    return _as_said(await act(upstreams[service], session, str(id), "discard", to_json(body)))


def _as_said(answer: Answer) -> Response:
    """The service's own answer, a problem of it included."""
    if answer.document is None:
        raise UpstreamAway(retry_after_seconds=1)
    document: Any = answer.document
    media_type = "application/json" if answer.status < 400 else "application/problem+json"
    return Response(to_json(document), answer.status, media_type=media_type)
