"""Kinds that every batch asks for are read once in a transaction, and never older than what it wrote itself."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from moat.kit.clock import FrozenClock
from moat.kit.documents import versions
from moat.kit.documents.editing import Change, draft, publish
from moat.kit.testing.databases import TestDatabase

from .shelves.shelf_calls import TALL, drafted, put_on
from .shelves.shelf_calls import publish as publish_it


@pytest.fixture
def kinds():
    from shelf_svc.features import MUGS

    together = ("mug", "cup")
    return replace(MUGS, read_with=together), replace(MUGS, name="cup", read_with=together)


async def test_what_is_published_while_a_batch_is_taken_judges_the_next_one(
    database: TestDatabase, http: httpx.AsyncClient, clock: FrozenClock, kinds
):
    mugs, cups = kinds
    await put_on(http)
    async with database.db.transaction() as batch:
        assert [one.ref.version for one in (await versions(batch, mugs))["tall"]] == [1]

        clock.advance(timedelta(days=1))
        await publish_it(http, await drafted(http, price=25))

        assert [one.ref.version for one in (await versions(batch, mugs))["tall"]] == [1]
        assert await versions(batch, cups) == {}
    async with database.db.transaction() as later:
        assert [one.ref.version for one in (await versions(later, mugs))["tall"]] == [1, 2]


async def test_who_publishes_sees_what_he_published(database: TestDatabase, clock: FrozenClock, kinds):
    _, cups = kinds
    async with database.db.transaction() as tx:
        assert await versions(tx, cups) == {}

        written = await draft(tx, cups, "small", cups.model.model_validate(TALL), Change("staff:ann", clock.now()))
        await publish(tx, cups, "small", Change("staff:ann", clock.now(), written.revision))

        assert list(await versions(tx, cups)) == ["small"]
