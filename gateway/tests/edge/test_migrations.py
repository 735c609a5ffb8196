"""The migrations of the gateway: up, down, up; and the tables the code names are the tables there are."""

from moat.kit.testing.migrations import assert_tables_agree, assert_up_down_up


async def test_the_tables_are_those_the_code_names(database_of):
    await assert_tables_agree(await database_of("gateway"), "gateway")


async def test_up_down_up(database_of):
    await assert_up_down_up(await database_of("gateway"), "gateway")
