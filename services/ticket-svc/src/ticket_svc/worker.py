"""The worker process of the ticket service."""

from moat.kit import worker
from moat.kit.process import Process


async def run_worker(process: Process) -> None:
    """Relay, consumers and timers under one TaskGroup until cancelled."""
    await worker.run_worker(process)
