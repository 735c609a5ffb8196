"""A home with every process of the house, started by the very command behind `make run`."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from moat.kit.embedded.kafka import KafkaUnavailable, fetch_jars, find_java
from moat.kit.testing.homes import a_home
from moat.kit.testing.settings import TestingSettings
from moat_local.ports import free_ports

from .house import House
from .waiting import until


def needs_kafka() -> None:
    """Skip, saying why, where this machine has no way to Kafka; with `CI` set that is a failure."""
    try:
        find_java()
        fetch_jars()
    except KafkaUnavailable as missing:
        if TestingSettings().ci:
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@contextmanager
def a_running_house(events: str) -> Iterator[House]:
    """An empty house on the `embedded` log or on a `kafka` of its own; it must also stop in order."""
    if events == "kafka":
        needs_kafka()
    with a_home(f"whole-{events}") as folder:
        process = _start(folder, events)
        try:
            ready = _ready(folder, process)
            with House.at(folder / "home", events, ready) as house:
                yield house
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0, _said(folder)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _start(folder: Path, events: str) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOAT_")}
    environment |= {"MOAT_HOME": str(folder / "home"), "MOAT_PORT": str(free_ports(1)[0])}
    environment |= {"MOAT_DEMO": "none", "MOAT_EVENTS": events}
    with (folder / "output.log").open("ab") as output:
        command = [sys.executable, "-m", "moat_local", "run"]
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)


def _ready(folder: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    path = folder / "home" / "ready.json"

    def there() -> bool:
        assert process.poll() is None, _said(folder)
        return path.exists()

    until(there, 180, what=lambda: _said(folder))
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _said(folder: Path) -> str:
    return (folder / "output.log").read_text()
