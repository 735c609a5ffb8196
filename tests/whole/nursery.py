"""Makes loyalty-svc again and again for tests that kill it: everything is imported once, each process is a fork.

Run as a program: it reads orders, one JSON object a line, and answers each with a line. `{"environment": …, "jwks": …,
"ahead_seconds": …}` begins a process and answers its id; `{"buried": id}` answers once that one is dead. A process that
it began ends with it, by the pipe that the house's own supervisor uses.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import moat.kit.messaging.kafka.log
import moat.kit.messaging.pglog.log
import moat.kit.run
import moat.kit.web
from loyalty_svc.features import SERVICE
from loyalty_svc.main import create_app
from loyalty_svc.settings import Settings
from loyalty_svc.worker import run_worker
from moat.kit.auth.keyset import KeySet


def serve() -> None:
    """Obey until nobody asks any more."""
    _prepare()
    alive, told = os.pipe()
    _say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        if "buried" in order:
            os.waitpid(order["buried"], 0)
            _say("buried")
        elif child := os.fork():
            _say(child)
        else:
            os.close(told)
            os.environ.update(order["environment"], MOAT_PARENT_PIPE=str(alive))
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            _live(order["jwks"], timedelta(seconds=order["ahead_seconds"]))


def _prepare() -> None:
    """Build the routes, which every child then has; nothing is dialled."""
    nowhere = "postgresql://nobody@nowhere.test/nothing"
    settings = Settings(database_url=nowhere, events_url=nowhere, gateway_url="http://gateway.test")
    create_app(moat.kit.run.open_process(SERVICE, settings, KeySet.of_gateway(settings.gateway_url)))


def _say(answer: object) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def _live(jwks: Any, ahead: timedelta) -> None:
    class Ahead:
        """The machine's clock, so much later: time-outs fall due without anybody waiting for them."""

        def now(self) -> datetime:
            return datetime.now(UTC) + ahead

    moat.kit.run.SystemClock = Ahead  # type: ignore[assignment,misc]
    moat.kit.run.run(
        SERVICE,
        Settings,
        create_app,
        run_worker,
        package="loyalty_svc",
        keys=lambda _: KeySet.fixed(jwks),
        argv=["--role", "all"],
    )
    os._exit(0)


if __name__ == "__main__":
    serve()
