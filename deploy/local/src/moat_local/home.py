"""The directory that a local Moat lives in: its places, its lock, and what it remembers about itself.

Whatever is written here is written beside and renamed, so that a killed start leaves either the old or the new.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moat.kit.embedded.places import make_open
from moat_local.settings import Events
from moat_local.troubles import Trouble

_FREE_BYTES_MIN: Final = 400 * 1024 * 1024
"""A new home with the demo takes about a third of this; the rest is for the write-ahead log."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home; nothing is made before `prepare`."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.path / "logs"

    @property
    def mail(self) -> Path:
        """The mails that the small SMTP server took, one file each."""
        return self.path / "mail"

    @property
    def keys(self) -> Path:
        """The gateway's signing keys."""
        return self.path / "keys"

    @property
    def ready(self) -> Path:
        """What a check or a script reads to find everything."""
        return self.path / "ready.json"

    def prepare(self) -> None:
        """Make the directories. Raises Trouble when that is not possible or the disk is full."""
        try:
            # Servers run as another user when we are root, so that user must be able to walk through.
            make_open(self.path)
            for folder in (self.logs, self.mail, self.keys):
                folder.mkdir(exist_ok=True, mode=0o700)
            free = shutil.disk_usage(self.path).free
        except OSError as broken:
            raise Trouble(f"The home {self.path} cannot be made or written: {broken.strerror}.") from broken
        if free < _FREE_BYTES_MIN:
            raise Trouble(
                f"The disk of {self.path} has {free // 2**20} MB left; Moat needs {_FREE_BYTES_MIN // 2**20} MB. "
                "Free some, or set MOAT_HOME to another disk."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this home for ourselves. Raises Trouble when another instance has it; a dead one's lock is gone."""
        with (self.path / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise Trouble(
                    f"Another Moat runs on {self.path} (process {lock.read().strip() or 'unknown'}). "
                    "Stop it, or set MOAT_HOME to another directory and MOAT_PORT to another port."
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def remember_events(self, events: Events, where: str) -> None:
        """Note at the first start which log this home uses, and refuse another one later."""
        known = self.read("home.json")
        if known is None:
            self.write("home.json", {"events": events, "where": where})
            return
        if known["events"] != events:
            raise Trouble(
                f"The home {self.path} keeps its events in {_said(known['events'])}, and a home keeps its log. "
                f"Start it with EVENTS={known['events']}, or set MOAT_HOME to a new directory."
            )
        if known["where"] != where:
            raise Trouble(
                f"The home {self.path} began on {known['where']}, not on {where}; its history is there. "
                "Start it as it was, or set MOAT_HOME to a new directory."
            )

    def read(self, name: str) -> dict[str, Any] | None:
        """A remembered document, or None when there is none."""
        try:
            document: dict[str, Any] = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return None
        except ValueError as broken:
            raise Trouble(f"{self.path / name} cannot be read ({broken}); it is not as Moat wrote it.") from broken
        return document

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Remember a document, readable by its owner only."""
        replace_secret(self.path / name, json.dumps(document, indent=2) + "\n")


def replace_secret(path: Path, text: str) -> None:
    """Write `text` with mode 0600, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


def _said(events: str) -> str:
    return {"embedded": "the embedded log", "kafka": "Kafka"}.get(events, events)
