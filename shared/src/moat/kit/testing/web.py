"""Calling a service's HTTP door in a test, without a socket."""

from typing import NoReturn

import httpx

from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.feature import Service
from moat.kit.settings import ProcessSettings


class NoLog:
    """A log that is away: what a door must survive, as it writes to the outbox only."""

    async def _away(self, *_: object, **__: object) -> NoReturn:
        from moat.kit.messaging.log import LogUnavailable

        raise LogUnavailable("this test has no log")

    ensure_topics = producer = reader = lag = scan = tidy = _away

    async def close(self) -> None:
        """Nothing to let go of."""


def client_for(
    service: Service, db: Database, clock: Clock, *, settings: ProcessSettings | None = None
) -> httpx.AsyncClient:
    """A client of the service's app over `db` and `clock`; use it with `async with`.

    Errors of the app are answered as they would be by a server, so that a test sees the 500.
    """
    from moat.kit.process import Process
    from moat.kit.testing.callers import trusted_keys
    from moat.kit.web import create_app

    settings = settings or ProcessSettings(
        database_url="postgresql://unused", events_url="postgresql://unused", gateway_url="http://gateway.test"
    )
    process = Process(service=service, settings=settings, db=db, log=NoLog(), clock=clock, keys=trusted_keys())
    transport = httpx.ASGITransport(app=create_app(process), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service.test")
