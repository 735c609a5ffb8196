"""The testing kit is what every other test believes in, so it is tested itself."""

from pathlib import Path

import pytest

from moat.kit.messaging.log import Log, Record
from moat.kit.testing.databases import Templates


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A service of its own with one migration."""
    home = tmp_path / "figs_svc"
    (home / "migrations" / "versions").mkdir(parents=True)
    (home / "__init__.py").write_text("")
    (home / "migrations" / "env.py").write_text("from moat.kit.db.migrations import run_env\nrun_env()\n")
    (home / "migrations" / "versions" / "0001_fig.py").write_text(
        "from alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE fig (id int)')\n    op.execute('GRANT ALL ON fig TO figs_app')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "figs_svc"


async def test_each_database_is_a_fresh_copy_of_the_migrated_template(templates: Templates, package: str, database_of):
    before = set(templates.migrated)
    first, second = await database_of(package), await database_of(package)

    async with first.db.transaction() as tx:
        await tx.execute("INSERT INTO fig VALUES (1)")

    async with second.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM fig") == 0
    assert set(templates.migrated) - before == {package}


async def test_the_event_log_is_empty_for_every_test_and_takes_records(event_log: Log):
    before = await event_log.lag("figs", ["moat.pears"])

    producer = await event_log.producer()
    await producer.send([Record("moat.pears", b"k", b"v")])
    await producer.close()

    after = await event_log.lag("figs", ["moat.pears"])
    assert sum(end for _, end in before.values()) == 0
    assert sum(end for _, end in after.values()) == 1
