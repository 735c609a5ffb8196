import asyncio

from moat.kit.db.migrations import downgrade, upgrade


async def test_migrations_go_up_down_and_up_again(database):
    await asyncio.to_thread(downgrade, database.owner_url, "notify_svc")
    await asyncio.to_thread(upgrade, database.owner_url, "notify_svc")

    async with database.db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM template WHERE status = 'published'") == 3
