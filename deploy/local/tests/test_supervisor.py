"""The supervisor over stand-ins: small processes that do what a service does at its edges."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from moat_local import left_behind
from moat_local.home import Home
from moat_local.supervisor import Command, Supervisor, our_environment, run_once

# Ends on SIGTERM, and by itself when the pipe to the supervisor closes.
SERVICE = """
import os, signal, sys, threading
def watch():
    os.read(int(os.environ["MOAT_PARENT_PIPE"]), 1)
    os._exit(0)
threading.Thread(target=watch, daemon=True).start()
print("up", flush=True)
signal.pause()
"""
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"
)


def a_command(name: str, script: str = SERVICE) -> Command:
    return Command(name, [sys.executable, "-c", script], {})


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = Supervisor(tmp_path, our_environment())
    yield made
    await made.stop()


async def test_a_killed_process_is_started_again_and_its_new_id_is_told(supervisor: Supervisor):
    await supervisor.start(a_command("pears"))
    first = supervisor.pids()["pears"]
    told: list[int] = []
    supervisor.on_change = lambda: told.append(supervisor.pids()["pears"])

    os.kill(first, signal.SIGKILL)

    await until(lambda: bool(told))
    assert told[0] != first
    assert is_alive(told[0])


async def test_a_process_that_keeps_dying_is_not_started_in_a_rush(supervisor: Supervisor):
    await supervisor.start(a_command("pears", "raise SystemExit(1)"))

    await until(lambda: supervisor.restarts.get("pears", 0) >= 3)

    assert supervisor.restarts["pears"] == 3


async def test_stopping_leaves_no_process_and_starts_none_again(supervisor: Supervisor):
    for name in ("pears", "plums"):
        await supervisor.start(a_command(name))
    pids = list(supervisor.pids().values())

    await supervisor.stop(["plums"], ["pears"])

    assert not any(is_alive(pid) for pid in pids)
    assert supervisor.pids() == {}


async def test_a_process_that_will_not_stop_is_ended_by_force(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("moat_local.supervisor.STOP_SECONDS_MAX", 0.3)
    await supervisor.start(a_command("mule", STUBBORN))
    await until(lambda: b"up" in (tmp_path / "mule.log").read_bytes())
    pid = supervisor.pids()["mule"]

    await supervisor.stop()

    assert not is_alive(pid)


async def test_children_get_what_they_are_told_and_no_secret_of_ours(tmp_path: Path):
    script = "import os; print(sorted(os.environ))"
    kept = {**our_environment(), "SOMEBODYS_PASSWORD": "x"}

    code = await run_once(Command("pears", [sys.executable, "-c", script], {"PEARS_PORT": "1"}), tmp_path, kept)

    said = (tmp_path / "pears.log").read_text()
    assert code == 0
    assert "PEARS_PORT" in said
    assert "SOMEBODYS_PASSWORD" not in said


def start_and_be_killed(home: Home) -> int:
    """The process id of a child whose supervisor was killed with -9 after it had told of it."""
    script = f"""
import asyncio, pathlib, sys
from moat_local import left_behind
from moat_local.home import Home
from moat_local.supervisor import Command, Supervisor, our_environment
async def main():
    s = Supervisor(pathlib.Path({str(home.logs)!r}), our_environment())
    await s.start(Command("pears", [sys.executable, "-c", sys.stdin.read()], {{}}))
    left_behind.remember(Home(pathlib.Path({str(home.path)!r})), s.known())
    print(s.pids()["pears"], flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(home.read("script.json")["script"])  # type: ignore[index]
        parent.stdin.close()
        pid = int(parent.stdout.readline())
        log = home.logs / "pears.log"
        while "up" not in log.read_text() and is_alive(pid):
            pass
        parent.kill()
    return pid


async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path):
    home = Home(tmp_path)
    home.prepare()
    home.write("script.json", {"script": SERVICE})

    pid = await asyncio.to_thread(start_and_be_killed, home)

    await until(lambda: not is_alive(pid))


async def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next_start(tmp_path: Path):
    home = Home(tmp_path)
    home.prepare()
    home.write("script.json", {"script": STUBBORN.replace("SIG_IGN", "SIG_DFL")})
    pid = await asyncio.to_thread(start_and_be_killed, home)
    assert is_alive(pid)

    assert left_behind.end_left_behind(home) == ["pears"]

    assert not is_alive(pid)


def test_a_process_id_that_belongs_to_somebody_else_by_now_is_left_alone(tmp_path: Path):
    home = Home(tmp_path)
    home.prepare()
    left_behind.remember(home, [left_behind.Known(name="pears", pid=os.getpid(), started=1)])

    assert left_behind.end_left_behind(home) == []
