import asyncpg
import pytest

from moat.kit.audit import first_broken, record
from moat.kit.testing.events import TODAY


@pytest.fixture
async def database(database_of):
    return await database_of("notify_svc")


async def test_the_chain_holds_and_a_changed_or_missing_row_shows(database):
    for number in range(4):
        async with database.db.transaction() as tx:
            await record(
                tx, at=TODAY, actor="staff:1", action="dead-letter.discard", subject=str(number), detail={"n": number}
            )
    async with database.db.transaction() as tx:
        assert await first_broken(tx) is None

    owner = await asyncpg.connect(database.owner_url)
    try:
        await owner.execute("UPDATE audit SET detail = '{\"n\": 9}' WHERE id = 3")
        async with database.db.transaction() as tx:
            assert await first_broken(tx) == 3
        await owner.execute("UPDATE audit SET detail = '{\"n\": 2}' WHERE id = 3")
        await owner.execute("DELETE FROM audit WHERE id = 2")
        async with database.db.transaction() as tx:
            assert await first_broken(tx) == 3
    finally:
        await owner.close()


async def test_an_audit_row_goes_with_its_transaction(database):
    with pytest.raises(RuntimeError):
        async with database.db.transaction() as tx:
            await record(tx, at=TODAY, actor="staff:1", action="x", subject="y")
            raise RuntimeError

    async with database.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM audit") == 0
