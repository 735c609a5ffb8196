"""`make run` as a story: servers, databases, processes, demo; then watching; then stopping everything in order."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from moat.contracts.topics import RETENTION_MS
from moat.kit.clock import Clock
from moat.kit.embedded.places import is_free
from moat.kit.messaging.log import LogUnavailable
from moat.kit.messaging.opening import open_log
from moat_local import left_behind, mail, screen
from moat_local.calling import Gateway, client_of
from moat_local.child import last_words
from moat_local.databases import SHORT_NAMES, migrate_all, provision_all
from moat_local.demo import is_loaded, load_demo
from moat_local.home import Home
from moat_local.plan import GATEWAY, PARTS, SERVICES, Layout, environment_of
from moat_local.ports import free_ports
from moat_local.ready import ready_document, remove_ready, write_ready
from moat_local.secrets import Secrets, secrets_of
from moat_local.servers import Servers
from moat_local.settings import LocalSettings
from moat_local.story import Story
from moat_local.supervisor import Command, Supervisor, our_environment, python
from moat_local.troubles import Trouble

_READY_SECONDS_MAX: Final = 90.0
_DEATHS_MAX: Final = 4
"""A process that dies this often before it was ever ready will not become so."""


@dataclass(slots=True)
class Run:
    """One run of a local Moat; `stack` undoes, in reverse, whatever was started."""

    settings: LocalSettings
    home: Home
    story: Story
    clock: Clock
    stack: AsyncExitStack
    stopping: asyncio.Event
    supervisor: Supervisor = field(init=False)
    kept: Mapping[str, str] = field(default_factory=our_environment)
    is_ready: bool = False

    async def bring_up(self) -> None:
        """From nothing to ready. Raises Trouble; whatever was started by then is undone by the stack."""
        secrets = secrets_of(self.home, SHORT_NAMES, self.clock)
        servers = Servers(self.settings, self.home, self.stopping)
        with self.story.step(servers.sentence()):
            await servers.start(self.stack)
        layout = await self._databases(servers, secrets)
        self.stack.push_async_callback(
            self._close_mail, await mail.serve_mail(self.home.mail, self.clock, layout.smtp_port)
        )
        await self._processes(layout, secrets)
        client = await self.stack.enter_async_context(client_of(layout.url_of(GATEWAY)))
        gateway = Gateway(client, secrets.admin_api_key, secrets.intake_api_key)
        first = self.settings.demo == "cdnow" and not is_loaded(self.home)
        if first:
            await load_demo(self.home, gateway, self.story, self.clock)
        self.stack.callback(remove_ready, self.home)
        self.is_ready = True
        self._tell(layout, secrets)
        self.supervisor.on_change = lambda: self._tell(layout, secrets)
        await screen.last_screen(self.story, gateway, layout, secrets)

    async def _databases(self, servers: Servers, secrets: Secrets) -> Layout:
        with self.story.step("Preparing the databases"):
            urls = await provision_all(servers.postgres, secrets, self.home)
            events_url = servers.events_url(urls.owner["log"])
            log = open_log(events_url, topics=RETENTION_MS)
            try:
                await log.ensure_topics()
            except LogUnavailable as away:
                place = self.settings.kafka_bootstrap or "this machine"
                raise Trouble(f"The event log on {place} does not answer: {away}.") from away
            finally:
                await log.close()
            *ports, smtp_port = free_ports(len(SERVICES) + 1)
            layout = Layout(
                home=self.home.path,
                ports={"gateway": self.settings.port} | dict(zip((s.short for s in SERVICES), ports, strict=True)),
                owner_urls=urls.owner,
                app_urls=urls.app,
                events_url=events_url,
                smtp_port=smtp_port,
            )
            await migrate_all(self.home, layout, secrets, self.kept)
        return layout

    async def _processes(self, layout: Layout, secrets: Secrets) -> None:
        self.supervisor = Supervisor(self.home.logs, self.kept)
        self.supervisor.on_change = self._remember
        self.stack.push_async_callback(self._stop_processes)
        with self.story.step("Starting the gateway and the services"):
            for part in PARTS:
                environment = environment_of(part, layout, secrets)
                await self.supervisor.start(Command(part.name, python(part.package, "--role", "all"), environment))
            async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
                await asyncio.gather(*(self._wait_ready(client, part.name, layout.url_of(part)) for part in PARTS))

    async def _wait_ready(self, client: httpx.AsyncClient, name: str, url: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_SECONDS_MAX
        log_path = self.home.logs / f"{name}.log"
        while loop.time() < deadline and self.supervisor.restarts.get(name, 0) < _DEATHS_MAX:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass  # not listening yet
            await asyncio.sleep(0.1)
        raise Trouble(f"{name} does not become ready. {log_path} ends with: {last_words(log_path)}")

    async def _stop_processes(self) -> None:
        self.supervisor.on_change = self._remember
        with self.story.step("Stopping the processes"):
            # The gateway first, so that no new fact comes in while the services finish theirs.
            await self.supervisor.stop([GATEWAY.name], [service.name for service in SERVICES])
        left_behind.remember(self.home, [])

    async def _close_mail(self, server: asyncio.Server) -> None:
        server.close()

    def _remember(self) -> None:
        left_behind.remember(self.home, self.supervisor.known())

    def _tell(self, layout: Layout, secrets: Secrets) -> None:
        self._remember()
        write_ready(self.home, ready_document(layout, secrets, self.supervisor.pids()))


async def run(settings: LocalSettings, story: Story, clock: Clock) -> None:
    """Bring everything up, stay until a signal asks for the end, take everything down. Raises Trouble."""
    home = Home(settings.home.absolute())
    home.prepare()
    with home.locked():
        remove_ready(home)
        left = await asyncio.to_thread(left_behind.end_left_behind, home)
        if left:
            story.say(f"[dim]Ended what an earlier run had left: {', '.join(left)}[/]")
        _check_port(settings.port)
        home.remember_events(settings.events, settings.kafka_bootstrap or "this machine")
        stopping = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started by nohup: a closed terminal is no reason to stop
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        async with AsyncExitStack() as stack:
            await _until(stopping, Run(settings, home, story, clock, stack, stopping))
        story.say("Everything has stopped.")


async def _until(stopping: asyncio.Event, this: Run) -> None:
    """Bring it up and stay; a signal in the middle of a start ends that start."""
    up = asyncio.create_task(this.bring_up(), name="bring up")
    asked = asyncio.create_task(stopping.wait(), name="asked to stop")
    try:
        await asyncio.wait({up, asked}, return_when=asyncio.FIRST_COMPLETED)
        if up.done():
            await up
            await asked
        else:
            up.cancel()
            await asyncio.wait({up})
    finally:
        stopping.set()
        await asked


def _check_port(port: int) -> None:
    if not is_free(port):
        raise Trouble(
            f"Port {port} is taken by another program. Stop that, or choose another port: MOAT_PORT={port + 1} make run"
        )


def log_of_surprise(home: Path) -> Path:
    """Where the details of an unforeseen failure are kept."""
    return home / "logs" / "supervisor.log"
