"""`python -m thing_svc --role …`."""

import asyncio

import structlog

from moat.kit.process import Process
from moat.kit.run import run
from moat.kit.web import create_app
from thing_svc.features import SERVICE
from thing_svc.settings import Settings

log = structlog.get_logger("thing")


async def run_worker(process: Process) -> None:
    """A worker that says when it begins and, after finishing what it does, when it has ended."""
    log.info("worker.began")
    if isinstance(process.settings, Settings) and process.settings.test_break:
        raise RuntimeError("broken on purpose")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.1)
        log.info("worker.ended")


if __name__ == "__main__":
    run(SERVICE, Settings, create_app, run_worker, package="thing_svc")
