"""One suite for both logs: `bench` is a tiny service with its database and, in turn, each kind of log."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from moat.kit.db.database import Database
from moat.kit.ids import uuid7

sys.path.insert(0, str(Path(__file__).parent))

from messaging_probe import Bench, Probe, bench_log, prepare


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """The development renderer draws tracebacks with all their locals, a second each; these tests fail on purpose."""
    plain = [structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    structlog.configure(processors=plain)
    yield
    structlog.reset_defaults()


@pytest.fixture(params=["pglog", pytest.param("kafka", marks=pytest.mark.kafka)])
def log_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a log, of each kind in turn."""
    if request.param == "pglog":
        yield request.getfixturevalue("pglog_url")
    else:
        yield f"kafka://{request.getfixturevalue('kafka_bootstrap')}"


@pytest.fixture
async def probe_urls(templates: Any) -> AsyncIterator[Any]:
    """A database with the kit's tables and the probe's."""
    urls = await templates.bare("probe")
    await prepare(urls.owner)
    yield urls
    await templates.drop(urls.owner)


@pytest.fixture
async def bench(probe_urls: Any, log_url: str) -> AsyncIterator[Bench]:
    """A probe under a name of its own, ready to run."""
    probe = Probe(f"probe{uuid7().hex[-10:]}")
    db = Database.connect(probe_urls.app, name="probe-svc", pool_connections=8)
    log = bench_log(log_url, probe)
    await log.ensure_topics()
    yield Bench(probe, db, probe_urls.app, log, log_url)
    await log.close()
    await db.close()
