"""Processes that a killed supervisor left behind: they end by themselves, but a new start need not wait for it.

A process id may have been given to somebody else meanwhile, so a process is known by its id and its start time.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any, Final, TypedDict

from moat_local.home import Home

_FILE: Final = "processes.json"
_PATIENCE_SECONDS: Final = 8.0


class Known(TypedDict):
    """One process as it can be recognised later."""

    name: str
    pid: int
    started: int


def known(name: str, pid: int) -> Known | None:
    """How to recognise this process, or None when it is gone (or the system does not tell)."""
    started = _started(pid)
    return None if started is None else Known(name=name, pid=pid, started=started)


def remember(home: Home, processes: list[Known]) -> None:
    """Write down what runs."""
    home.write(_FILE, {"processes": processes})


def end_left_behind(home: Home) -> list[str]:
    """End what an earlier start of this home left running; returns the names. We hold the home's lock by now."""
    document: dict[str, Any] = home.read(_FILE) or {"processes": []}
    left = [entry for entry in document["processes"] if _started(entry["pid"]) == entry["started"]]
    for number, patience_seconds in ((signal.SIGTERM, _PATIENCE_SECONDS), (signal.SIGKILL, 2.0)):
        for entry in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(entry["pid"], number)
        if _all_gone(left, patience_seconds):
            break
    return [entry["name"] for entry in left]


def _all_gone(left: list[Known], patience_seconds: float) -> bool:
    deadline = time.monotonic() + patience_seconds
    while any(_started(entry["pid"]) == entry["started"] for entry in left):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _started(pid: int) -> int | None:
    """The kernel's start time of a live process, in clock ticks since boot; zombies count as gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])
