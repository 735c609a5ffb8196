"""Notices a reader that has stopped reading while there is something to read (aiokafka #1154)."""

import time
from collections import deque
from typing import Final

import structlog

from moat.kit.messaging import metrics

logger = structlog.get_logger(__name__)


class Stuck(Exception):
    """Rebuilding the reader has not helped; the process should end and be started anew."""


class Watchdog:
    """Suspects after a minute without progress; gives up at the third rebuild in ten minutes."""

    LOOK_SECONDS: Final = 5.0
    PATIENCE_SECONDS: Final = 60.0
    REBUILDS_MAX: Final = 3
    REBUILDS_WITHIN_SECONDS: Final = 600.0

    def __init__(self, name: str) -> None:
        self._name = name
        self._progress_at = time.monotonic()
        self._rebuilds: deque[float] = deque()

    def polled(self, *, progressed: bool) -> None:
        """A poll came back; only one that brought something, or had nothing to bring, is progress."""
        if progressed:
            self._progress_at = time.monotonic()

    def suspects(self) -> bool:
        """Whether nothing has moved for so long that it is worth asking the log."""
        return time.monotonic() - self._progress_at > self.PATIENCE_SECONDS

    def rebuilding(self) -> None:
        """Count a rebuild. Raises Stuck at the third within ten minutes."""
        now = self._progress_at = time.monotonic()
        metrics.REBUILDS.labels(self._name).inc()
        logger.error("consumer.rebuilt", service=self._name)
        self._rebuilds.append(now)
        while now - self._rebuilds[0] > self.REBUILDS_WITHIN_SECONDS:
            self._rebuilds.popleft()
        if len(self._rebuilds) >= self.REBUILDS_MAX:
            raise Stuck(f"{self._name} was rebuilt {len(self._rebuilds)} times and does not read")
