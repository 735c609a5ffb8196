"""`make clean`: removes what the other commands made, asking before it deletes data.

A plain script of the standard library: it may run when there is no environment any more.
"""

import fcntl
import hashlib
import os
import shutil
import sys
from pathlib import Path

MADE = (
    "deploy/local/kafka/target",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".import_linter_cache",
    ".hypothesis",
)
"""What can be made again without loss, relative to the checkout."""


def data_of(home: Path) -> list[Path]:
    """The home itself, and where its database had to stand if we were root and the home out of reach for others."""
    stand_in = Path("/var/lib/moat") / hashlib.sha256(str(home / "postgres").encode()).hexdigest()[:16]
    return [path for path in (home, stand_in) if path.exists()]


def is_running(home: Path) -> bool:
    """Whether somebody holds the home's lock."""
    if not (home / "lock").exists():
        return False
    with (home / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def main() -> int:
    """Remove; returns 0, also when data was kept."""
    home = Path(os.environ.get("MOAT_HOME", ".moat")).absolute()
    if is_running(home):
        sys.stdout.write(f"A Moat runs on {home}; stop it first.\n")
        return 1
    data = data_of(home)
    if data:
        sys.stdout.write(f"Delete the data in {', '.join(map(str, data))}? It cannot be brought back. [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            for path in data:
                shutil.rmtree(path, ignore_errors=True)
                if path.exists():
                    sys.stdout.write(f"{path} could not be removed whole.\n")
                    return 1
        else:
            sys.stdout.write("Kept.\n")
    for name in MADE:
        shutil.rmtree(name, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
