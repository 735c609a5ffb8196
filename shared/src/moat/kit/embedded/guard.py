"""A small process that keeps one server: it ends the server when its own standard input closes.

PostgreSQL and the Java machine do not watch a pipe to whoever started them, so a killed supervisor would leave them
behind. The guard does: it starts the server as its only child, says the child's process id in one line, and waits for
the first of two things, the child's end or the end of its input. It runs as a bare script (`python -I guard.py`), and
imports nothing but the standard library.
"""

import json
import os
import select
import signal
import subprocess
import sys
from types import FrameType

_POLL_SECONDS = 0.2


def _wait_for_end(child: "subprocess.Popen[bytes]", asked: list[int]) -> None:
    """Return when the child has ended, the input has closed or a signal has asked for the end."""
    # A pidfd wakes us at once; where there is none (not Linux) the poll interval bounds the delay.
    watched: list[int] = [0]
    if hasattr(os, "pidfd_open"):
        watched.append(os.pidfd_open(child.pid))
    while child.poll() is None and not asked:
        ready, _, _ = select.select(watched, [], [], _POLL_SECONDS)
        if 0 in ready and not os.read(0, 4096):
            return


def _stop(child: "subprocess.Popen[bytes]", steps: list[list[float]]) -> None:
    """Send each (signal, patience in seconds) in turn until the child has ended."""
    for number, patience_seconds in steps:
        if child.poll() is not None:
            return
        child.send_signal(int(number))
        try:
            child.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            continue


def main() -> int:
    """Run `argv[2:]` under the plan in `argv[1]` (JSON: stop, user, group, environment) and return its exit code."""
    plan = json.loads(sys.argv[1])
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    rights = {"user": plan["user"], "group": plan["group"], "extra_groups": []} if plan["user"] is not None else {}
    child = subprocess.Popen(  # noqa: S603 - the command is the one our own starter built
        sys.argv[2:], stdin=subprocess.DEVNULL, stdout=2, env=os.environ | plan["environment"], cwd="/", **rights
    )
    os.write(1, f"{child.pid}\n".encode())
    os.close(1)
    _wait_for_end(child, asked)
    _stop(child, plan["stop"])
    return child.wait() & 0xFF


if __name__ == "__main__":
    sys.exit(main())
