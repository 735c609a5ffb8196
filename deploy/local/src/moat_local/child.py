"""One process of ours: in a session of its own, ending when our pipe to it closes, its output in its own log file."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOG_BYTES_MAX: Final = 50 * 1024 * 1024
_KEPT: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "VIRTUAL_ENV",
    "SSL_CERT_FILE",
    "MOAT_LOG_LEVEL",
    "MOAT_TRACES_URL",
    "GATEWAY_LIMIT_PER_SECOND",
    "GATEWAY_LIMIT_BURST",
)
"""What children take over from our environment; all else is told them on purpose."""


@dataclass(slots=True)
class Child:
    """A running process and the end of the pipe that it watches."""

    name: str
    process: asyncio.subprocess.Process
    pipe: int

    @property
    def pid(self) -> int:
        """The process id, which is also that of its session."""
        return self.process.pid

    async def stop(self, patience_seconds: float) -> None:
        """Ask for an orderly end, wait, and end the whole session by force when patience runs out."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), patience_seconds)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                await self.process.wait()
        self.release()

    def release(self) -> None:
        """Close our end of the pipe; once."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


async def start_child(
    name: str, command: Sequence[str], environment: Mapping[str, str], log_path: Path, kept: Mapping[str, str]
) -> Child:
    """Start `command`; `kept` is our own environment, of which it gets what it may have."""
    theirs, ours = os.pipe()
    variables = {key: kept[key] for key in _KEPT if key in kept}
    variables |= {**environment, "MOAT_PARENT_PIPE": str(theirs), "PYTHONUNBUFFERED": "1"}
    _bound(log_path)
    try:
        with log_path.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=variables,
                pass_fds=(theirs,),
                start_new_session=True,
            )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Child(name, process, ours)


def last_words(log_path: Path, lines: int = 3) -> str:
    """The end of a log, for a sentence about why a process died."""
    with contextlib.suppress(FileNotFoundError):
        with log_path.open("rb") as log:
            log.seek(max(0, log_path.stat().st_size - 8_192))
            said = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        return " | ".join(said[-lines:])
    return ""


def _bound(log_path: Path) -> None:
    """Keep one earlier log, so that a home left running does not fill the disk at every start."""
    with contextlib.suppress(FileNotFoundError):
        if log_path.stat().st_size > _LOG_BYTES_MAX:
            log_path.replace(log_path.with_suffix(".1.log"))
