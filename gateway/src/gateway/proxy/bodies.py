"""Bodies on their way to a service: read whole before the service is asked, since none may be over 1 MB.

So a slow or broken caller costs the service nothing and is never taken for a failure of the service, a request can be
sent a second time, and a body over the bound reaches nobody.
"""

import asyncio
from typing import Final

from starlette.types import Receive

from gateway.proxy.problems import BodyTooSlow
from moat.kit.web.exchange import BODY_BYTES_MAX
from moat.kit.web.rendering import BodyTooLarge

SWALLOWED_BYTES_MAX: Final = 16 * 1024 * 1024
SWALLOWED_SECONDS_MAX: Final = 3.0


class CallerGone(Exception):
    """The caller hung up before his body was complete."""


async def body_of(receive: Receive, declared: int | None, *, seconds_max: float) -> bytes:
    """The whole body. Raises BodyTooLarge, BodyTooSlow, CallerGone."""
    if declared is not None and declared > BODY_BYTES_MAX:
        raise await too_large(receive)
    try:
        async with asyncio.timeout(seconds_max):
            return await _read(receive)
    except TimeoutError:
        raise BodyTooSlow(headers={"Connection": "close"}) from None


async def _read(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > BODY_BYTES_MAX:
            raise await too_large(receive)
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def too_large(receive: Receive) -> BodyTooLarge:
    """The refusal of a body over the bound, to be raised once the caller is ready to hear it.

    Closing a connection on which the caller still writes resets it, and the answer is lost on the way; so the rest is
    read and thrown away first, within a bound. Past that bound the connection ends.
    """
    detail = f"At most {BODY_BYTES_MAX:,} bytes"
    size = 0
    try:
        async with asyncio.timeout(SWALLOWED_SECONDS_MAX):
            while size <= SWALLOWED_BYTES_MAX:
                message = await receive()
                size += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return BodyTooLarge(detail, bytes_max=BODY_BYTES_MAX)
    except TimeoutError:
        pass
    return BodyTooLarge(detail, headers={"Connection": "close"}, bytes_max=BODY_BYTES_MAX)
