"""HTTP door: one customer, seen by every service."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from gateway.identity.context import SessionOf
from gateway.identity.sessions import Session
from gateway.overview.composing import LIST_MAX, SERVICE_OF_PART, Part, compose, parts_for
from gateway.overview.problems import NothingToShow, UnknownCustomer
from gateway.upstreams.asking import ask
from gateway.upstreams.upstream import Upstream, request_headers
from moat.kit.auth import Caller, allow
from moat.kit.problems import Problem
from moat.kit.web import problems

DEADLINE_SECONDS: Final = 2.0
router = APIRouter(tags=["customers"])


class Overview(BaseModel):
    """Each part as its service answers it (lists: the newest 20); null where it is missing or not for this caller."""

    customer: dict[str, Any] | None
    loyalty: dict[str, Any] | None
    scores: dict[str, Any] | None = None
    tickets: list[dict[str, Any]] | None
    messages: list[dict[str, Any]] | None
    missing: list[str]


@router.get(
    "/v1/customers/{customer_id}/overview",
    response_model=Overview,
    responses=problems(UnknownCustomer, NothingToShow),
)
async def overview(
    customer_id: UUID,
    request: Request,
    session: SessionOf,
    caller: Annotated[Caller, Depends(allow("customers:read", customers=True))],
) -> Response:
    """Profile, points and tier, scores, tickets and messages in one call; `missing` names services that were silent."""
    upstreams: dict[str, Upstream] = request.app.state.upstreams
    names = parts_for(is_customer=caller.kind == "customer")
    said = await asyncio.gather(
        *(_part(upstreams[SERVICE_OF_PART[name]], name, customer_id, session, request) for name in names)
    )
    return Response(to_json(compose(dict(zip(names, said, strict=True)))), media_type="application/json")


async def _part(upstream: Upstream, name: str, customer_id: UUID, session: Session, request: Request) -> Part:
    targets = {
        "customer": f"/v1/customers/{customer_id}",
        "loyalty": f"/v1/customers/{customer_id}/loyalty",
        "scores": f"/v1/customers/{customer_id}/scores",
        "tickets": f"/v1/tickets?customer_id={customer_id}&limit={LIST_MAX}",
        "messages": f"/v1/customers/{customer_id}/messages?limit={LIST_MAX}",
    }
    headers = request_headers(session.authorization(upstream.name), trace=request.headers.get("traceparent"))
    headers["x-request-id"] = request.scope["moat.request_id"]
    if language := request.headers.get("accept-language"):
        headers["accept-language"] = language
    try:
        answer = await ask(upstream, "GET", targets[name], headers, deadline_seconds=DEADLINE_SECONDS)
    except Problem:
        return Part(0)
    return Part(answer.status, answer.document)
