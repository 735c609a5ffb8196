"""What keeps the timers of expiry going: each sets itself anew, and one that was lost or buried is set again here."""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from loyalty_svc.expiry import usecases

if TYPE_CHECKING:
    from moat.kit.process import Process

EVERY_SECONDS: Final = 600
RETRY_SECONDS: Final = 5
log = structlog.get_logger(__name__)


async def keep_timers(process: "Process") -> None:
    """Look every ten minutes, until cancelled; a database that is away is waited for."""
    while True:
        try:
            async with process.db.transaction() as tx:
                await usecases.keep_going(tx, now=process.clock.now())
        except Exception as error:
            log.warning("expiry.timers_waiting", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            continue
        await asyncio.sleep(EVERY_SECONDS)
