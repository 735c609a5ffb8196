"""The whole of Moat for a bench: the supervisor that `make run` starts, on a home of its own, without the demo."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.results import environment_with

READY_SECONDS_MAX = 240
FAR_RECORDS = 5_000
"""Records before the services that take over a second."""


@dataclass(slots=True)
class House:
    """A running Moat: `ready` is ready.json."""

    home: Path
    ready: dict
    seconds_to_ready: float

    @property
    def url(self) -> str:
        return self.ready["gateway_url"]

    def headers(self, key: str = "admin") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.ready['api_keys'][key]}"}

    async def status(self, session: aiohttp.ClientSession) -> dict:
        async with session.get(f"{self.url}/v1/ops/status", headers=self.headers()) as answer:
            return await answer.json()

    async def settle(self, *, seconds_max: float = 300) -> float:
        """The instant (monotonic) at which nothing was under way any more."""
        deadline = time.monotonic() + seconds_max
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline:
                asked = time.monotonic()
                status = await self.status(session)
                if status.get("settled"):
                    return asked
                # Asking costs the house some milliseconds, so it is asked often only when the end is near.
                is_far = sum(service["lag"] or 0 for service in status.get("services", ())) > FAR_RECORDS
                await asyncio.sleep(1.0 if is_far else 0.2)
        raise TimeoutError(f"not settled within {seconds_max} s")


@contextmanager
def a_house(events: str = "kafka", *, demo: str = "none", home: Path | None = None) -> Iterator[House]:
    """Start, wait for ready.json, stop in order."""
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as folder:
        place = home or Path(folder) / "home"
        place.parent.chmod(0o755)
        port = free_port()
        began = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-m", "moat_local", "run"],
            env=environment_with(
                {"MOAT_HOME": str(place), "MOAT_PORT": str(port), "MOAT_DEMO": demo, "MOAT_EVENTS": events}
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield House(place, wait_for_ready(place, child), time.monotonic() - began)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(90)


def wait_for_ready(home: Path, child: subprocess.Popen) -> dict:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise RuntimeError(f"Moat ended with {child.returncode} before it was ready")
        try:
            return json.loads((home / "ready.json").read_text())
        except (OSError, ValueError):
            time.sleep(0.05)
    os.kill(child.pid, signal.SIGTERM)
    raise TimeoutError("Moat was not ready in time")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
