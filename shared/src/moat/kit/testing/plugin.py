"""The fixtures every test of the house may ask for; `pyproject.toml` loads this plugin.

Each pytest session (and each worker of pytest-xdist) has servers of its own in a directory of its own, so sessions
side by side cannot meet. Nothing starts before a test asks for it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from moat.kit.clock import FrozenClock
from moat.kit.embedded.kafka import KafkaUnavailable, LocalKafka
from moat.kit.embedded.postgres import Postgres
from moat.kit.testing.events import TODAY
from moat.kit.testing.homes import a_home
from moat.kit.testing.logs import remove_topics
from moat.kit.testing.settings import TestingSettings

if TYPE_CHECKING:
    from moat.kit.messaging.log import Log
    from moat.kit.testing.databases import Templates, TestDatabase

DatabaseOf = Callable[[str], Awaitable["TestDatabase"]]


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands at 2026-11-20T08:00:00Z until it is told to move."""
    return FrozenClock(TODAY)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A directory for this session's servers that an unprivileged user can reach."""
    with a_home("test") as home:
        yield home


@pytest.fixture(scope="session")
def postgres(server_home: Path) -> Iterator[Postgres]:
    """This session's PostgreSQL 18, without fsync."""
    server = Postgres.start(server_home / "postgres", durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def templates(postgres: Postgres) -> "Templates":
    """The migrated templates of this session."""
    from moat.kit.testing.databases import Templates

    return Templates(postgres)


@pytest.fixture
async def database_of(templates: "Templates") -> AsyncIterator[DatabaseOf]:
    """A factory of migrated databases: `database = await database_of("loyalty_svc")`."""
    from moat.kit.db.database import Database
    from moat.kit.testing.databases import TestDatabase

    made: list[TestDatabase] = []

    async def make(package: str) -> TestDatabase:
        urls = await templates.clone(package)
        db = Database.connect(urls.app, name=f"{package.partition('_')[0]}-svc", pool_connections=8)
        made.append(TestDatabase(db, urls.owner, urls.app))
        return made[-1]

    yield make
    for database in made:
        await database.db.close()
        await templates.drop(database.owner_url)


@pytest.fixture
def pglog_url(templates: "Templates") -> Iterator[str]:
    """An empty database for the embedded log."""
    from moat.kit.testing.databases import in_own_loop

    urls = in_own_loop(templates.bare("log"))
    yield urls.owner
    in_own_loop(templates.drop(urls.owner))


@pytest.fixture(scope="session")
def kafka(server_home: Path) -> Iterator[LocalKafka]:
    """This session's real Kafka, started when the first test asks; a test that kills it must restart it."""
    try:
        broker = LocalKafka.start(server_home / "kafka")
    except KafkaUnavailable as missing:
        if TestingSettings().ci:
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: LocalKafka) -> str:
    """The address of this session's Kafka, `host:port`."""
    return kafka.bootstrap


@pytest.fixture(params=["pglog", pytest.param("kafka", marks=pytest.mark.kafka)])
def event_log_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh log, of each kind in turn."""
    if request.param == "pglog":
        yield request.getfixturevalue("pglog_url")
        return
    from moat.kit.testing.databases import in_own_loop

    bootstrap = request.getfixturevalue("kafka_bootstrap")
    in_own_loop(remove_topics(bootstrap))
    yield f"kafka://{bootstrap}"


@pytest.fixture
def event_topics() -> Mapping[str, int]:
    """Topic → retention in milliseconds (-1: for ever) of `event_log`; overridden by tests with topics of their own."""
    return {"moat.pears": -1, "moat.plums": -1}


@pytest.fixture
async def event_log(event_log_url: str, event_topics: Mapping[str, int]) -> AsyncIterator["Log"]:
    """A fresh log of each kind in turn, with `event_topics` in it."""
    from moat.kit.messaging import open_log

    log = open_log(event_log_url, topics=event_topics)
    await log.ensure_topics()
    yield log
    await log.close()
