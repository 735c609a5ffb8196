"""What tells a process to stop: SIGTERM, SIGINT, or the pipe to its supervisor closing. A second signal kills.

uvicorn raises the signals it caught once more after serving, before a worker in the same process has drained; so the
process listens itself, and the server (`moat.kit.life.server`) does not.
"""

import asyncio
import os
import signal
from typing import Final

import structlog

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger("moat.life")


class Stop:
    """Becomes set once, with the reason."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.reason: str | None = None

    @property
    def asked(self) -> bool:
        """Whether the process was told to stop."""
        return self._asked.is_set()

    def ask(self, reason: str) -> None:
        """Tell the process to stop; only the first reason counts."""
        if not self.asked:
            self.reason = reason
            log.info("stop.asked", reason=reason)
            self._asked.set()

    async def wait(self) -> None:
        """Until the process is told to stop."""
        await self._asked.wait()

    def listen(self, parent_pipe: int | None = None) -> None:
        """Listen to signals and, if there is one, to the supervisor's pipe. Raises OSError for a bad descriptor."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        if parent_pipe is not None:
            os.set_blocking(parent_pipe, False)
            loop.add_reader(parent_pipe, self._pipe_readable, loop, parent_pipe)

    def _signalled(self, number: signal.Signals) -> None:
        if self.asked:
            # Whoever asks twice does not want to wait; the outbox and the inbox make that safe.
            os._exit(128 + number)
        self.ask(number.name)

    def _pipe_readable(self, loop: asyncio.AbstractEventLoop, pipe: int) -> None:
        try:
            said = os.read(pipe, 4096)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            loop.remove_reader(pipe)
            self.ask("the supervisor is gone")
