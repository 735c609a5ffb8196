"""Starting the tiny service as a real process."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

THINGS = Path(__file__).parent.parent / "things"
sys.path.insert(0, str(THINGS))


class Running:
    """A child process and the JSON lines it has written."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.errors = b""
        self._reader = asyncio.create_task(self._read())

    async def _read(self):
        async for line in self.process.stdout:
            self.lines.append(json.loads(line) if line.startswith(b"{") else {"event": line.decode().strip()})

    async def said(self, event, seconds=20):
        """The first line with this event."""
        async with asyncio.timeout(seconds):
            while True:
                for line in self.lines:
                    if line.get("event") == event:
                        return line
                assert not self._reader.done(), f"ended without {event}: {self.lines}"
                await asyncio.sleep(0.01)

    async def client(self):
        at = await self.said("serving")
        return httpx.AsyncClient(base_url=f"http://{at['host']}:{at['port']}", trust_env=False)

    async def ended(self, seconds=20):
        """The exit code, after everything it wrote was read."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await self._reader
            self.errors = await self.process.stderr.read()
        return code


@pytest.fixture
async def start(database_of):
    """Start `python -m thing_svc` with these arguments on a database of its own."""
    database = await database_of("thing_svc")
    environment = {
        **os.environ,
        "PYTHONPATH": str(THINGS),
        "THING_DATABASE_URL": database.app_url,
        "THING_OWNER_DATABASE_URL": database.owner_url,
        "MOAT_EVENTS_URL": database.app_url,
        "MOAT_GATEWAY_URL": "http://127.0.0.1:1",
    }

    @asynccontextmanager
    async def starting(*arguments, pass_fds=(), **changes):
        merged = {name: value for name, value in {**environment, **changes}.items() if value is not None}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "thing_svc", *arguments, env=merged, pass_fds=pass_fds,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        running = Running(process)
        running.database_url = database.app_url
        try:
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await running.ended()

    return starting
