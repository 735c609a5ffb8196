"""The migrations of notify-svc: up, down, up; and the tables the code names are the tables there are."""

from moat.kit.testing.migrations import assert_tables_agree, assert_up_down_up


async def test_the_tables_are_those_the_code_names(database_of):
    await assert_tables_agree(await database_of("notify_svc"), "notify_svc")


async def test_up_down_up(database_of):
    await assert_up_down_up(await database_of("notify_svc"), "notify_svc")


async def test_three_templates_are_published_from_the_start(database_of):
    async with (await database_of("notify_svc")).db.transaction() as tx:
        assert await tx.scalar("SELECT count(*) FROM template WHERE status = 'published'") == 3
