"""Starting, keeping and stopping the embedded servers, which block, from a loop that must not."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from moat.kit.embedded.guarded import ServerFailed

_LOOK_SECONDS: Final = 0.5
_BACKOFF_SECONDS_MAX: Final = 10.0


class Server(Protocol):
    """An embedded server, as far as keeping it goes."""

    def is_running(self) -> bool: ...

    def restart(self) -> None: ...

    def stop(self) -> None: ...


S = TypeVar("S", bound=Server)


async def start_server(start: Callable[[], S]) -> S:
    """Start a server in a thread. Cancelled in the middle, it waits for the start and stops what came of it."""
    starting = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        (outcome,) = await asyncio.gather(starting, return_exceptions=True)
        if not isinstance(outcome, BaseException):
            await asyncio.to_thread(outcome.stop)
        raise


async def stop_server(server: Server) -> None:
    """Stop it in a thread."""
    await asyncio.to_thread(server.stop)


async def keep_running(server: Server, stopping: asyncio.Event) -> None:
    """Start the server again whenever it has died, backing off, until `stopping` is set."""
    backoff_seconds = _LOOK_SECONDS
    while not stopping.is_set():
        if server.is_running():
            backoff_seconds = _LOOK_SECONDS
        else:
            try:
                await asyncio.to_thread(server.restart)
            except ServerFailed:
                backoff_seconds = min(backoff_seconds * 2, _BACKOFF_SECONDS_MAX)
        try:
            await asyncio.wait_for(stopping.wait(), backoff_seconds)
        except TimeoutError:
            continue
