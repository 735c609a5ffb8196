"""Starting a server that must not outlive us: in a session of its own, under a guard that watches our pipe."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_GUARD: Final = Path(__file__).with_name("guard.py")


class ServerFailed(Exception):
    """An embedded server did not start or stop; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user that a server runs as."""

    user: int
    group: int


@dataclass(slots=True)
class Guarded:
    """A running server; `pid` is the server's own, not the guard's."""

    pid: int
    guard: "subprocess.Popen[bytes]"

    def is_running(self) -> bool:
        return self.guard.poll() is None

    def stop(self, *, patience_seconds: float = 60.0) -> None:
        """Close the pipe and wait for the orderly end; the guard's own steps are shorter than the patience."""
        if self.guard.stdin and not self.guard.stdin.closed:
            self.guard.stdin.close()
        try:
            self.guard.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """`kill -9` the server, as a fault would, and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.guard.wait(10)
        if self.guard.stdin and not self.guard.stdin.closed:
            self.guard.stdin.close()

    def send_signal(self, number: int) -> None:
        """Send any signal to the server (SIGSTOP and SIGCONT for frozen ones)."""
        os.kill(self.pid, number)


def start_guarded(
    command: Sequence[str],
    *,
    log_path: Path,
    stop: Sequence[tuple[int, float]],
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
) -> Guarded:
    """Start `command`; its output goes to `log_path`, `stop` lists (signal, patience in seconds) for its end."""
    plan = {
        "user": account.user if account else None,
        "group": account.group if account else None,
        "stop": [[int(number), seconds] for number, seconds in stop],
        "environment": dict(environment or {}),
    }
    with log_path.open("ab") as log:
        guard = subprocess.Popen(  # noqa: S603 - our own script and the command our callers built
            [sys.executable, "-I", "-S", str(_GUARD), json.dumps(plan), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    assert guard.stdout is not None
    with guard.stdout:
        said = guard.stdout.readline().strip()
    if not said:
        guard.wait()
        raise ServerFailed(f"{command[0]} could not be started; {log_path} says why")
    return Guarded(int(said), guard)
