"""The command line of every deployable: `python -m loyalty_svc --role all|web|worker|migrate`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog
import uvloop
from pydantic import ValidationError

from moat.kit.auth.keyset import KeySet
from moat.kit.clock import SystemClock
from moat.kit.db.database import Database
from moat.kit.feature import Service
from moat.kit.life.roles import App, CreateApp, Life, RunWorker, StopOverdue, health_app, pruning
from moat.kit.life.server import AddressTaken
from moat.kit.process import Process
from moat.kit.settings import ProcessSettings
from moat.kit.telemetry import set_up_logs, set_up_tracing, shut_down_tracing

ROLES: Final = ("all", "web", "worker", "migrate")
EXIT_BROKEN: Final = 1
EXIT_MISCONFIGURED: Final = 2

S = TypeVar("S", bound=ProcessSettings)

log = structlog.get_logger("moat.life")


class Misconfigured(Exception):
    """The process cannot run as it was started; the text is for whoever started it."""


def run(
    service: Service,
    settings_cls: type[S],
    create_app: CreateApp,
    run_worker: RunWorker | None,
    *,
    package: str,
    keys: Callable[[S], KeySet] | None = None,
    after_migrate: Callable[[S], Awaitable[None]] | None = None,
    argv: Sequence[str] | None = None,
) -> None:
    """Run one process of `service` until it is told to stop; ends with SystemExit unless all went well.

    `keys` makes the key set (by default the gateway's, fetched); `after_migrate` runs, with the settings, when
    `--role migrate` has brought the database up to date (idempotent bootstrap).
    """
    role = _role(service.name, argv)
    try:
        settings = _settings(settings_cls)
        set_up_logs(service.name, settings.log_level)
        if role == "migrate":
            _migrate(settings, package, after_migrate)
            return
        set_up_tracing(service.name, settings.traces_url)
        key_set = keys(settings) if keys else KeySet.of_gateway(settings.gateway_url)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(role, service, settings, create_app, run_worker, package, key_set))
    except (Misconfigured, AddressTaken) as error:
        print(f"{service.name}: {error}", file=sys.stderr)  # noqa: T201  a sentence, not a log line
        raise SystemExit(EXIT_MISCONFIGURED) from None
    except StopOverdue as error:
        log.error("stop.overdue", detail=str(error))
        sys.stdout.flush()
        # Something does not let go; leaving is what was asked for.
        os._exit(EXIT_BROKEN)
    except Exception as error:
        log.critical("broken", exc_info=error)
        raise SystemExit(EXIT_BROKEN) from None
    finally:
        shut_down_tracing()


async def _live(
    role: str,
    service: Service,
    settings: ProcessSettings,
    create_app: CreateApp,
    run_worker: RunWorker | None,
    package: str,
    key_set: KeySet,
) -> None:
    process = open_process(service, settings, key_set)
    web, worker = role in ("all", "web"), role in ("all", "worker")
    app: App = create_app(process) if web else health_app(process, package)
    background = [process.keys.run, pruning(process)] if web else []
    await Life(process, app, run_worker if worker else None, background).run()


def open_process(service: Service, settings: ProcessSettings, keys: KeySet) -> Process:
    """The process's dependencies; nothing is dialled until it is used."""
    from moat.kit.messaging import open_log

    return Process(
        service=service,
        settings=settings,
        db=Database.connect(
            settings.database_url.get_secret_value(),
            name=service.name,
            pool_connections=settings.database_pool_connections,
        ),
        log=open_log(settings.events_url.get_secret_value()),
        clock=SystemClock(),
        keys=keys,
    )


def _role(name: str, argv: Sequence[str] | None) -> str:
    parser = argparse.ArgumentParser(prog=f"python -m {name.replace('-', '_')}", description=f"Runs {name}.")
    parser.add_argument("--role", choices=ROLES, default="all", help="what this process does (default: all)")
    return str(parser.parse_args(argv).role)


def _settings(settings_cls: type[S]) -> S:
    try:
        return settings_cls()
    except ValidationError as error:
        wrong = "; ".join(
            f"{settings_cls.PREFIX}{'.'.join(map(str, e['loc']))}".upper().replace(
                f"{settings_cls.PREFIX}MOAT_", "MOAT_"
            )
            + f": {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        )
        raise Misconfigured(f"the environment is not complete: {wrong}") from None


def _migrate(settings: S, package: str, after: Callable[[S], Awaitable[None]] | None) -> None:
    from moat.kit.db import migrations

    if settings.owner_database_url is None:
        raise Misconfigured(f"--role migrate needs {settings.PREFIX}OWNER_DATABASE_URL, the owner's address")
    migrations.upgrade(settings.owner_database_url.get_secret_value(), package)
    if after is not None:
        asyncio.run(_awaited(after(settings)))
    log.info("migrated", package=package)


async def _awaited(work: Awaitable[None]) -> None:
    await work
