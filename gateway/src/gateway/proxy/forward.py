"""One request to a service and its answer back, streamed."""

from collections.abc import Sequence
from typing import Final

import aiohttp
from starlette.types import Receive, Scope, Send

from gateway.identity.sessions import Session
from gateway.proxy import headers as pass_on
from gateway.proxy.bodies import CallerGone, body_of
from gateway.proxy.routing import Route
from gateway.upstreams.upstream import Upstream

ANSWER_BYTES_WHOLE: Final = 65_536
"""An answer of known length up to this is passed on in one piece."""


class AnswerCutShort(Exception):
    """The service broke off in the middle of its answer, after its beginning was passed on."""


async def forward(
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    upstream: Upstream,
    route: Route,
    asked: pass_on.Asked,
    session: Session,
) -> int:
    """Pass the request on and its answer back; returns the status. Raises Problems while nothing was answered yet."""
    address = scope["client"][0] if scope.get("client") else "unknown"
    raw_headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    on = pass_on.to_service(raw_headers, asked, authorization=session.authorization(upstream.name), address=address)
    query: bytes = scope["query_string"]
    target = scope["raw_path"].decode("ascii")
    if query:
        target = f"{target}?{query.decode('latin-1')}"
    try:
        body = (
            await body_of(receive, asked.content_length, seconds_max=route.deadline_seconds) if asked.has_body else None
        )
        response = await upstream.request(
            scope["method"], target, on, body=body, deadline_seconds=route.deadline_seconds
        )
    except CallerGone:
        return 499
    try:
        await _answer(response, send, asked.request_id)
    finally:
        response.release()
    return response.status


async def _answer(response: aiohttp.ClientResponse, send: Send, request_id: str) -> None:
    length = response.content_length
    is_whole = length is not None and length <= ANSWER_BYTES_WHOLE
    start = {
        "type": "http.response.start",
        "status": response.status,
        "headers": pass_on.to_caller(response.raw_headers, request_id),
    }
    try:
        if is_whole:
            # Read before anything is said: if it breaks off, the caller still gets a proper refusal.
            body = await response.content.read()
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        await send(start)
        async for chunk in response.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise AnswerCutShort from error
