"""Putting the gateway together: its own routes behind the edge, and what both stand on."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from gateway.documents.merged import Documents
from gateway.identity.bootstrap import UnusableBootstrap, bootstrap
from gateway.identity.context import Identity
from gateway.identity.keyring import Keyring, NoSigningKey
from gateway.identity.passwords import Passwords
from gateway.identity.sessions import Sessions
from gateway.intake.appending import Appender
from gateway.limits.gcra import Gcra
from gateway.limits.shedding import Shedding
from gateway.limits.window import Window
from gateway.proxy.edge import Edge
from gateway.settings import GatewaySettings
from gateway.upstreams.upstream import Upstream
from moat.kit.clock import SystemClock
from moat.kit.db.database import Database
from moat.kit.process import Process
from moat.kit.run import Misconfigured
from moat.kit.web import create_app as create_own_app
from moat.kit.web.app import DOCUMENT_PATH

SIGN_INS_PER_EMAIL: Final = 10
"""In any minute; per replica, like every limit."""
SIGN_INS_PER_ADDRESS: Final = 30


def create_app(process: Process) -> Edge:
    """The gateway's ASGI app; `process.keys` is its keyring."""
    settings = process.settings
    assert isinstance(settings, GatewaySettings)
    identity = identity_of(process, settings)
    upstreams = {name: Upstream(name, url) for name, url in settings.upstream_urls().items()}
    own = create_own_app(process, authenticate=identity.authenticate, ops=False)
    own.state.identity = identity
    own.state.upstreams = upstreams
    own.state.appender = Appender(process.log)
    own.state.documents = Documents(own, upstreams)
    _serve_merged_document(own)
    _live_with(own)
    return Edge(
        own,
        sessions=identity.sessions,
        upstreams=upstreams,
        limit=Gcra(settings.limit_per_second, settings.limit_burst),
        shedding=Shedding(settings.in_flight_max),
    )


def identity_of(process: Process, settings: GatewaySettings) -> Identity:
    """Who may come in, from the process's database and keyring."""
    keyring = process.keys
    assert isinstance(keyring, Keyring)
    pepper = settings.api_key_pepper.get_secret_value()
    return Identity(
        keyring=keyring,
        sessions=Sessions(process.db, process.clock, keyring, pepper=pepper, issuer=settings.token_issuer),
        passwords=Passwords(),
        pepper=pepper,
        by_email=Window(SIGN_INS_PER_EMAIL),
        by_address=Window(SIGN_INS_PER_ADDRESS),
    )


def keyring_of(settings: GatewaySettings) -> Keyring:
    """The keyring that the settings name. Raises Misconfigured."""
    try:
        return Keyring(settings.signing_keys_dir, settings.token_issuer)
    except (NoSigningKey, OSError, ValueError) as error:
        raise Misconfigured(f"GATEWAY_SIGNING_KEYS_DIR: {error}") from None


async def bootstrap_with(settings: GatewaySettings) -> None:
    """Make the first admin and the keys of the house, after the migrations. Raises Misconfigured."""
    db = Database.connect(settings.database_url.get_secret_value(), name="gateway", pool_connections=2)
    try:
        await bootstrap(db, settings, SystemClock().now())
    except UnusableBootstrap as error:
        raise Misconfigured(str(error)) from None
    finally:
        await db.close()


def _serve_merged_document(own: FastAPI) -> None:
    """Take away the framework's route of the gateway's own document: the merged one stands under the same path."""
    own.router.routes[:] = [
        route
        for route in own.router.routes
        if getattr(route, "path", "") != DOCUMENT_PATH or isinstance(route, APIRoute)
    ]


def _live_with(own: FastAPI) -> None:
    """Open client pools with the app's life and close them, and the way into the log, at its end."""
    inner = own.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            for upstream in own.state.upstreams.values():
                await upstream.open()
                stack.push_async_callback(upstream.close)
            stack.push_async_callback(own.state.appender.close)
            state = await stack.enter_async_context(inner(app))
            yield state or {}

    own.router.lifespan_context = lifespan
