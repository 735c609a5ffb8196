"""uvicorn as a part of our process, not its owner: our sockets, our signals, our order of stopping."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than any client of ours keeps a connection, so that it is the client who closes an idle one."""
BACKLOG: Final = 2048

log = structlog.get_logger("moat.life")


class AddressTaken(Exception):
    """Nobody can listen there; the text is a sentence for whoever started the process."""


class Server(uvicorn.Server):
    """A server that leaves the signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch nothing, raise nothing again."""
        yield


def listen_on(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises AddressTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise AddressTaken(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


def make_server(app: ASGIApp, *, drain_seconds: float) -> Server:
    """A server of `app`; told to exit it waits `drain_seconds` at most for the answers under way."""
    return Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(drain_seconds)),
        )
    )


async def serve(server: Server, listening: socket.socket) -> None:
    """Serve until `server.should_exit`. Raises RuntimeError when the app could not start."""
    try:
        await server.serve(sockets=[listening])
    except SystemExit as error:
        raise RuntimeError("the app could not start, the lines above say why") from error


async def started(server: Server, task: "asyncio.Task[None]", listening: socket.socket) -> None:
    """Wait until the server takes requests, or its task has failed (its error is raised)."""
    while not server.started:
        await asyncio.wait({task}, timeout=0.01)
        if task.done():
            task.result()
            return
    host, port = listening.getsockname()[:2]
    log.info("serving", host=host, port=port)
