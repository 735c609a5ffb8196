"""Bodies on their way to a service: bounded, handed on whole when they are there, else piece by piece."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive

from moat.kit.web.exchange import BODY_BYTES_MAX, too_large

CHUNK_BYTES_WHOLE: Final = 65_536
"""An answer of known length up to this is passed on in one piece."""


class CallerGone(Exception):
    """The caller hung up before his body was complete; the service must not take the half for the whole."""


class Pieces:
    """The rest of a body as an async iterable. Iterating raises BodyTooLarge past the bound, CallerGone on hang-up."""

    def __init__(self, first: bytes, receive: Receive) -> None:
        self._first = first
        self._receive = receive

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = len(self._first)
        if self._first:
            yield self._first
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise CallerGone
            piece = message.get("body", b"")
            more = message.get("more_body", False)
            seen += len(piece)
            if seen > BODY_BYTES_MAX:
                raise too_large()
            if piece:
                yield piece


async def body_of(receive: Receive, declared: int | None) -> "bytes | Pieces":
    """The body if its first piece is all of it, else its pieces. Raises BodyTooLarge, CallerGone."""
    if declared is not None and declared > BODY_BYTES_MAX:
        raise too_large()
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    return Pieces(body, receive)
