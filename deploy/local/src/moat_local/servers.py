"""The embedded servers of one run: PostgreSQL always, Kafka where it was asked for."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from moat.kit.embedded.kafka import LocalKafka
from moat.kit.embedded.postgres import Postgres
from moat_local.home import Home
from moat_local.keeping import Server, keep_running, start_server, stop_server
from moat_local.settings import LocalSettings


@dataclass(slots=True)
class Servers:
    """What `start` has started; each is kept running until `stopping` is set and stopped by the stack."""

    settings: LocalSettings
    home: Home
    stopping: asyncio.Event
    _postgres: Postgres | None = field(default=None, init=False)
    _kafka: LocalKafka | None = field(default=None, init=False)

    def sentence(self) -> str:
        """What is being started, in words."""
        if self.settings.events == "kafka" and not self.settings.kafka_bootstrap:
            return "Starting PostgreSQL and Kafka (the first time Kafka's 43 MB are fetched)"
        return "Starting PostgreSQL"

    async def start(self, stack: AsyncExitStack) -> None:
        """Start what this run needs. Raises ServerFailed."""
        home = self.home.path
        self._postgres = await start_server(lambda: Postgres.start(home / "postgres"))
        await self._keep(self._postgres, stack)
        if self.settings.events == "kafka" and not self.settings.kafka_bootstrap:
            self._kafka = await start_server(lambda: LocalKafka.start(home / "kafka"))
            await self._keep(self._kafka, stack)

    @property
    def postgres(self) -> Postgres:
        """The running PostgreSQL."""
        assert self._postgres is not None, "start() comes first"
        return self._postgres

    def events_url(self, log_url: str) -> str:
        """Where events live in this run; `log_url` is the embedded log's database."""
        if self.settings.events == "embedded":
            return log_url
        return f"kafka://{self._kafka.bootstrap if self._kafka else self.settings.kafka_bootstrap}"

    async def _keep(self, server: Server, stack: AsyncExitStack) -> None:
        keeper = asyncio.create_task(keep_running(server, self.stopping), name=f"keep {type(server).__name__}")

        async def stop() -> None:
            self.stopping.set()
            await keeper
            await stop_server(server)

        stack.push_async_callback(stop)
