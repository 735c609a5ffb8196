"""A consumer process that kills itself (-9) between the commit of its first batch and the commit of its offsets."""

import asyncio
import os
import signal
import sys

from messaging_probe import Probe, bench_log

from moat.kit.clock import SystemClock
from moat.kit.db.database import Database
from moat.kit.messaging.consumer import Consumer
from moat.kit.messaging.log import Reader


class DyingConsumer(Consumer):
    async def _commit(self, reader: Reader) -> None:
        if self._progress.to_commit():
            os.kill(os.getpid(), signal.SIGKILL)


async def main(name: str, database_url: str, log_url: str) -> None:
    probe = Probe(name)
    db = Database.connect(database_url, name="probe-svc", pool_connections=2)
    await DyingConsumer(probe.service, db, bench_log(log_url, probe), SystemClock()).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
