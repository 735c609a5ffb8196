"""A whole gateway on a real socket, with a real database, a real log and small real services behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic_core import to_json

from gateway.features import SERVICE
from gateway.identity.bootstrap import bootstrap
from gateway.main import create_app, keyring_of
from gateway.proxy.routing import SERVICES
from gateway.settings import GatewaySettings
from moat.contracts.topics import RETENTION_MS
from moat.kit.clock import FrozenClock
from moat.kit.life.server import Server, listen_on, make_server, serve, started
from moat.kit.messaging import open_log
from moat.kit.process import Process
from moat.kit.testing.web import NoLog

EMAIL, PASSWORD = "admin@moat.example", "the first admin's password"
ADMIN_KEY = "mk_admintest_0123456789abcdefghij"
INTAKE_KEY = "mk_intaketest_0123456789abcdefghij"
NOTIFY_KEY = "mk_notifytest_0123456789abcdefghij"


@dataclass
class Served:
    """An app on a socket of its own."""

    server: Server
    task: "asyncio.Task[None]"
    listening: socket.socket

    @property
    def address(self) -> tuple[str, int]:
        return self.listening.getsockname()[:2]

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    async def stop(self) -> None:
        self.server.should_exit = True
        await asyncio.wait({self.task})
        self.listening.close()


async def serving(app: Any) -> Served:
    listening = listen_on("127.0.0.1", 0)
    server = make_server(app, drain_seconds=1)
    task = asyncio.create_task(serve(server, listening))
    await started(server, task, listening)
    return Served(server, task, listening)


@dataclass
class SmallService:
    """A real HTTP service that remembers what it was asked and answers what it was told."""

    name: str
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    delay_seconds: float = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["raw_path"].decode()
        self.asked.append(
            {"method": scope["method"], "path": path, "query": scope["query_string"], "headers": headers, "body": body}
        )
        await asyncio.sleep(self.delay_seconds)
        status, content = self.answers.get(path, (200, to_json({"service": self.name, "path": path})))
        answer = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": [*answer, (b"set-cookie", b"a=1")]})
        await send({"type": "http.response.body", "body": content})


@dataclass
class House:
    """The gateway under test and what is around it."""

    client: httpx.AsyncClient
    address: tuple[str, int]
    services: dict[str, SmallService]
    settings: GatewaySettings
    process: Process
    app: Any
    clock: FrozenClock
    keys_dir: Path

    def as_admin(self) -> dict[str, str]:
        return bearer(ADMIN_KEY)

    def as_intake(self) -> dict[str, str]:
        return bearer(INTAKE_KEY)

    def with_token(self, token: str) -> dict[str, str]:
        return bearer(token)

    async def sign_in(self, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
        return await self.client.post("/v1/auth/tokens", json={"email": email, "password": password})

    async def as_staff(self, email: str = EMAIL, password: str = PASSWORD) -> dict[str, str]:
        return bearer((await self.sign_in(email, password)).json()["access_token"])

    async def raw(self, request: bytes) -> bytes:
        """The head of what the gateway answers to these very bytes."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return answer


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def write_key(directory: Path, kid: str) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / f"{kid}.pem").write_bytes(pem)


def settings_of(database_url: str, log_url: str | None, keys: Path, more: dict[str, Any]) -> GatewaySettings:
    return GatewaySettings(
        database_url=database_url,
        events_url=log_url or "postgresql://unused",
        gateway_url="http://127.0.0.1:1",
        signing_keys_dir=keys,
        api_key_pepper="a pepper for tests only",
        admin_email=EMAIL,
        admin_password=PASSWORD,
        admin_api_key=ADMIN_KEY,
        intake_api_key=INTAKE_KEY,
        notify_api_key=NOTIFY_KEY,
        **more,
    )


MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def house_of(database_of: Any, clock: FrozenClock, tmp_path: Path) -> AsyncIterator[MakeHouse]:
    """A factory of gateways: `house_of(log_url=…, **settings)`."""
    running: list[Served] = []
    clients: list[httpx.AsyncClient] = []
    logs: list[Any] = []

    async def make(log_url: str | None = None, at: dict[str, str] | None = None, **changes: Any) -> House:
        database = await database_of("gateway")
        write_key(tmp_path, "2026-11-01")
        services = {name: SmallService(name) for name in SERVICES}
        urls = {}
        for name, service in services.items():
            served = await serving(service)
            running.append(served)
            urls[f"{name.partition('-')[0]}_url"] = (at or {}).get(name, served.url)
        settings = settings_of(database.app_url, log_url, tmp_path, urls | changes)
        await bootstrap(database.db, settings, clock.now())
        if log_url:
            log = open_log(log_url, topics=RETENTION_MS)
            await log.ensure_topics()
            logs.append(log)
        else:
            log = NoLog()
        keys = keyring_of(settings)
        process = Process(service=SERVICE, settings=settings, db=database.db, log=log, clock=clock, keys=keys)
        app = create_app(process)
        served = await serving(app)
        running.append(served)
        client = httpx.AsyncClient(base_url=served.url, timeout=15, trust_env=False)
        clients.append(client)
        return House(client, served.address, services, settings, process, app, clock, tmp_path)

    yield make
    for client in clients:
        await client.aclose()
    await asyncio.gather(*(served.stop() for served in running))
    for log in logs:
        await log.close()


@pytest.fixture
async def house(house_of: MakeHouse) -> House:
    """A gateway whose log is away and whose services answer."""
    return await house_of()
