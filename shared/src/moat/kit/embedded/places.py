"""Ports that are free and directories that a server's user can reach."""

import hashlib
import os
import pwd
import shutil
import socket
from pathlib import Path
from typing import Final

from moat.kit.embedded.guarded import Account

_STATE: Final = Path("/var/lib/moat")
_CACHE: Final = Path("/var/cache/moat")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether one can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def unprivileged_account() -> Account | None:
    """As whom a server runs: ourselves (None), or `nobody` when we are root, as PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def can_reach(account: Account | None, path: Path) -> bool:
    """Whether the account may walk down to `path`: every existing directory above it lets others pass."""
    if account is None:
        return True
    return all(
        parent.stat().st_mode & 0o001 or parent.stat().st_uid == account.user
        for parent in path.absolute().parents
        if parent.exists()
    )


def reachable_state(account: Account | None, wanted: Path) -> Path:
    """`wanted`, or a directory of the system that stands for it where the account cannot reach it (below /root)."""
    if can_reach(account, wanted):
        return wanted
    make_open(_STATE)
    return _STATE / hashlib.sha256(str(wanted.absolute()).encode()).hexdigest()[:16] / wanted.name


def make_open(directory: Path) -> None:
    """Make a directory that others may walk through, whatever the umask says."""
    if not directory.exists():
        make_open(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o755)


def reachable_copy(account: Account | None, tree: Path, name: str) -> Path:
    """`tree`, or a copy of it in the system's cache where the account cannot reach it."""
    if can_reach(account, tree):
        return tree
    copy = _CACHE / name
    if not copy.exists():
        # Copied beside and renamed, so that a killed copy is never taken for a whole one.
        half = copy.with_name(f"{name}.{os.getpid()}.new")
        make_open(half.parent)
        shutil.copytree(tree, half, symlinks=True)
        try:
            half.rename(copy)
        except OSError:
            shutil.rmtree(half)
    return copy
