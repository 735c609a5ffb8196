"""The door of the worker: simulations that wait are run, one at a time over all workers, until it is cancelled."""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from loyalty_svc.simulation.running import Runner

if TYPE_CHECKING:
    from moat.kit.process import Process

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
logger = structlog.get_logger(__name__)


async def run_simulations(process: "Process") -> None:
    """Look every second; a database or a log that is away is waited for."""
    runner = Runner(process.service, process.db, process.log, process.clock)
    while True:
        try:
            ran = await runner.run_next()
        except Exception as error:
            logger.warning("simulation.waiting", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            continue
        if not ran:
            await asyncio.sleep(LOOK_SECONDS)
