"""Asking a service on a caller's behalf: one JSON document, within a deadline; for composed reads."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from multidict import CIMultiDict
from pydantic_core import from_json

from gateway.upstreams.problems import UpstreamAway
from gateway.upstreams.upstream import Upstream

ANSWER_BYTES_MAX = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said; `document` is None where it said nothing readable."""

    status: int
    document: Any


async def ask(
    upstream: Upstream,
    method: str,
    target: str,
    headers: CIMultiDict[str],
    *,
    deadline_seconds: float,
    body: bytes | None = None,
) -> Answer:
    """The service's answer, whatever its status. Raises UpstreamAway or UpstreamSilent."""
    response = await upstream.request(method, target, headers, body=body, deadline_seconds=deadline_seconds)
    try:
        content = await response.content.read(ANSWER_BYTES_MAX) if response.content_length != 0 else b""
        while len(content) < ANSWER_BYTES_MAX and (more := await response.content.read(ANSWER_BYTES_MAX)):
            content += more
    except (aiohttp.ClientError, OSError, TimeoutError):
        raise UpstreamAway(retry_after_seconds=1) from None
    finally:
        response.release()
    try:
        return Answer(response.status, from_json(content) if content else None)
    except ValueError:
        return Answer(response.status, None)
