"""Asking every service how it is, and paging through their dead letters one service after the other."""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from gateway.identity.sessions import Session
from gateway.upstreams.asking import Answer, ask
from gateway.upstreams.upstream import Upstream, request_headers
from moat.kit.problems import FieldError, Invalid, Problem

STATUS_SECONDS_MAX: Final = 5.0
LETTERS_SECONDS_MAX: Final = 5.0
ACTION_SECONDS_MAX: Final = 10.0


async def one_round(upstreams: Mapping[str, Upstream], session: Session) -> dict[str, dict[str, Any] | None]:
    """What each service says of itself, asked at the same moment; None for a silent one."""

    async def one(upstream: Upstream) -> dict[str, Any] | None:
        try:
            answer = await ask(
                upstream,
                "GET",
                "/v1/ops/status",
                request_headers(session.authorization(upstream.name)),
                deadline_seconds=STATUS_SECONDS_MAX,
            )
        except Problem:
            return None
        return answer.document if answer.status == 200 and isinstance(answer.document, dict) else None

    said = await asyncio.gather(*(one(upstream) for upstream in upstreams.values()))
    return dict(zip(upstreams, said, strict=True))


async def dead_letters(
    upstreams: Sequence[Upstream], session: Session, *, status: str | None, limit: int, cursor: str | None
) -> tuple[list[Any], str | None, list[str]]:
    """A page over these services in their order: (items, the next cursor, services that did not answer)."""
    start, inner = _decode(cursor, [upstream.name for upstream in upstreams])
    items: list[Any] = []
    missing: list[str] = []
    for place in range(start, len(upstreams)):
        upstream = upstreams[place]
        if len(items) >= limit:
            return items, _encode(upstream.name, None), missing
        query = f"?limit={limit - len(items)}"
        query += f"&status={quote(status, safe='')}" if status else ""
        query += f"&cursor={quote(inner, safe='')}" if inner else ""
        try:
            answer = await ask(
                upstream,
                "GET",
                f"/v1/ops/dead-letters{query}",
                request_headers(session.authorization(upstream.name)),
                deadline_seconds=LETTERS_SECONDS_MAX,
            )
        except Problem:
            answer = Answer(503, None)
        inner = None
        if answer.status == 422:
            raise broken_cursor()
        if answer.status != 200 or not isinstance(answer.document, dict):
            missing.append(upstream.name)
            continue
        items += [{"service": upstream.name, **item} for item in answer.document.get("items", [])]
        if answer.document.get("next_cursor"):
            return items, _encode(upstream.name, answer.document["next_cursor"]), missing
    return items, None, missing


async def act(upstream: Upstream, session: Session, letter_id: str, action: str, body: bytes | None) -> Answer:
    """Replay or discard one dead letter. Raises UpstreamAway or UpstreamSilent; safe to repeat."""
    headers = request_headers(session.authorization(upstream.name))
    if body is not None:
        headers["content-type"] = "application/json"
    return await ask(
        upstream,
        "POST",
        f"/v1/ops/dead-letters/{letter_id}/{action}",
        headers,
        deadline_seconds=ACTION_SECONDS_MAX,
        body=body,
    )


def broken_cursor() -> Invalid:
    """The refusal of a cursor that this list did not give out."""
    return Invalid(errors=[FieldError("#/query/cursor", "is not a cursor of this list")])


def _encode(service: str, inner: str | None) -> str:
    return urlsafe_b64encode(json.dumps([service, inner]).encode()).decode().rstrip("=")


def _decode(cursor: str | None, names: Sequence[str]) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    try:
        service, inner = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
        if not isinstance(inner, str | None):
            raise ValueError
        return names.index(service), inner
    except (ValueError, TypeError, RecursionError):
        raise broken_cursor() from None
