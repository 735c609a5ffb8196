"""Where the servers of a test stand: in memory where there is room for them, else on the disk.

Nothing of a test has to outlive the machine, and what is killed in one is a process, whose files stay either way. A
journalling file system keeps inodes that were just deleted from being used again and looks through all of them for
each new file; where every test has a database of its own, that search is most of what the tests do.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - each home is made by mkdtemp
ROOM_BYTES_MIN: Final = 4 * 1024**3
"""What must be free, in the file system and in the machine: workers, servers and whole houses share it."""


@contextmanager
def a_home(purpose: str) -> Iterator[Path]:
    """A directory for servers that an unprivileged user can reach; afterwards it is gone."""
    in_memory = has_room(MEMORY)
    if in_memory:
        remove_those_of_the_dead(MEMORY)
    # Not pytest's own directory: nobody else may enter it, so as root a database would have to stand elsewhere.
    home = Path(tempfile.mkdtemp(prefix=f"moat-{purpose}-{os.getpid()}-", dir=MEMORY if in_memory else None))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def has_room(memory: Path) -> bool:
    """Whether servers may stand there: it can be written, and neither it nor the machine's memory is short."""
    if not os.access(memory, os.W_OK | os.X_OK):
        return False
    return min(shutil.disk_usage(memory).free, _available_bytes()) >= ROOM_BYTES_MIN


def _available_bytes() -> int:
    """What the kernel could still give to programs; 0 where it does not say."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def remove_those_of_the_dead(memory: Path) -> None:
    """Give back what homes hold whose session was killed: it could not, and memory is not cleared by anybody else."""
    for home in memory.glob("moat-*-*-*"):
        session = home.name.split("-")[-2]
        if session.isdigit() and not Path(f"/proc/{session}").exists():
            shutil.rmtree(home, ignore_errors=True)
