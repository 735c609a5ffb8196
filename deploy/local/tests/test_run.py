"""`python -m moat_local run` itself, with every process of the house, on an empty home."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from moat.kit.testing.homes import a_home
from moat_local.plan import PARTS
from moat_local.ports import free_ports

# One worker for all of them: most share a running Moat, and the last ones begin when it has been stopped.
pytestmark = [pytest.mark.faults, pytest.mark.timeout(240), pytest.mark.xdist_group("make-run")]


class Moat:
    """A running local Moat."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.output = home.parent / "output.log"
        self.port = settings.pop("MOAT_PORT", "") or str(free_ports(1)[0])
        environment = {**os.environ, "MOAT_HOME": str(home), "MOAT_PORT": self.port, "MOAT_DEMO": "none", **settings}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moat_local", "run"], env=environment, stdout=output, stderr=output
            )

    def ready(self) -> dict[str, Any]:
        """What ready.json says, once it is there."""
        self.until(lambda: (self.home / "ready.json").exists(), 120)
        document: dict[str, Any] = json.loads((self.home / "ready.json").read_text())
        return document

    def until(self, true: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(120)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processes_of(home: Path) -> list[str]:
    """The command lines that name this home (servers, guards), whoever runs them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(home) in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with a_home("run") as folder:
        yield folder / "home"


@pytest.fixture(scope="module")
def moat(home: Path) -> Iterator[Moat]:
    running = Moat(home)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_it_becomes_ready_and_says_where_everything_is(moat: Moat):
    document = moat.ready()

    assert stat.S_IMODE((moat.home / "ready.json").stat().st_mode) == 0o600
    assert set(document["processes"]) == {part.name for part in PARTS}
    assert all(is_alive(pid) for pid in document["processes"].values())
    answer = httpx.post(f"{document['gateway_url']}/v1/auth/tokens", json=document["staff"], trust_env=False)
    assert answer.status_code == 200, answer.text


def test_a_second_instance_is_refused_with_a_sentence(moat: Moat):
    moat.ready()

    again = subprocess.run(
        [sys.executable, "-m", "moat_local", "run"],
        env={**os.environ, "MOAT_HOME": str(moat.home)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert again.returncode == 1
    assert "Another Moat runs" in again.stdout
    assert "Traceback" not in again.stdout + again.stderr


def test_a_taken_port_is_a_sentence(moat: Moat, tmp_path: Path):
    moat.ready()

    again = subprocess.run(
        [sys.executable, "-m", "moat_local", "run"],
        env={**os.environ, "MOAT_HOME": str(tmp_path / "other"), "MOAT_PORT": moat.port},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (again.returncode, f"Port {moat.port} is taken" in again.stdout) == (1, True)


def test_a_killed_service_is_back_within_seconds_and_ready_json_tells_its_new_id(moat: Moat):
    before = moat.ready()["processes"]

    os.kill(before["loyalty-svc"], signal.SIGKILL)

    moat.until(lambda: moat.ready()["processes"]["loyalty-svc"] != before["loyalty-svc"], 20)
    after = moat.ready()
    assert is_alive(after["processes"]["loyalty-svc"])
    assert {name: pid for name, pid in after["processes"].items() if name != "loyalty-svc"} == {
        name: pid for name, pid in before.items() if name != "loyalty-svc"
    }


def test_a_killed_database_is_back_and_the_house_with_it(moat: Moat):
    document = moat.ready()
    pid = int((moat.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])

    os.kill(pid, signal.SIGKILL)

    def answers() -> bool:
        headers = {"Authorization": f"Bearer {document['api_keys']['admin']}"}
        try:
            url = f"{document['gateway_url']}/v1/loyalty/audit"
            return httpx.get(url, headers=headers, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    moat.until(lambda: not is_alive(pid), 10)
    moat.until(answers, 60)


def test_sigterm_stops_everything_and_leaves_no_process(moat: Moat):
    document = moat.ready()

    code = moat.stop()

    assert code == 0
    assert not (moat.home / "ready.json").exists()
    assert not any(is_alive(pid) for pid in document["processes"].values())
    assert processes_of(moat.home) == []


def test_a_start_after_a_killed_one_finds_everything_again(moat: Moat, home: Path):
    if moat.process.poll() is None:
        moat.stop()
    killed = Moat(home)
    pids = killed.ready()["processes"].values()
    killed.process.kill()
    killed.process.wait()
    (home / "ready.json").unlink()  # the dead cannot; the next start would, but we look at once

    again = Moat(home, MOAT_PORT=killed.port)
    try:
        document = again.ready()
        assert not any(is_alive(pid) for pid in pids)
        answer = httpx.post(f"{document['gateway_url']}/v1/auth/tokens", json=document["staff"], trust_env=False)
        assert answer.status_code == 200
        assert again.stop(signal.SIGINT) == 0
    finally:
        if again.process.poll() is None:
            again.process.kill()
            again.process.wait()
    assert processes_of(home) == []
