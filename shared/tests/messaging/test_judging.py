"""Small decisions on their own: whose fault a failure is, who reads what, when to give up."""

from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import exc

from moat.kit.messaging import open_log
from moat.kit.messaging.batches import Hold
from moat.kit.messaging.failures import Failure, failure_of
from moat.kit.messaging.log import LogUnavailable, Place, partition_of
from moat.kit.messaging.offsets import Progress
from moat.kit.messaging.pglog.groups import fair_share
from moat.kit.messaging.watchdog import Stuck, Watchdog
from moat.kit.problems import Conflict, Unavailable

A, B = Place("t", 0), Place("t", 1)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (asyncpg.DeadlockDetectedError(), Failure.TRANSIENT),
        (asyncpg.LockNotAvailableError(), Failure.TRANSIENT),
        (asyncpg.AdminShutdownError(), Failure.TRANSIENT),
        (asyncpg.DiskFullError(), Failure.TRANSIENT),
        (asyncpg.ConnectionDoesNotExistError(), Failure.TRANSIENT),
        (asyncpg.InterfaceError("connection is closed"), Failure.TRANSIENT),
        (ConnectionRefusedError(), Failure.TRANSIENT),
        (exc.TimeoutError(), Failure.TRANSIENT),
        (LogUnavailable(), Failure.TRANSIENT),
        (Unavailable(), Failure.TRANSIENT),
        (Conflict(), Failure.PERMANENT),
        (asyncpg.UniqueViolationError(), Failure.UNKNOWN),
        (asyncpg.DataError("the server expects another argument"), Failure.UNKNOWN),
        (asyncpg.InterfaceError("the server expects 1 argument for this query"), Failure.UNKNOWN),
        (exc.IntegrityError("", {}, asyncpg.UniqueViolationError()), Failure.UNKNOWN),
        (exc.DBAPIError("", {}, asyncpg.SerializationError()), Failure.TRANSIENT),
        (exc.DBAPIError("", {}, Exception(), connection_invalidated=True), Failure.TRANSIENT),
        (KeyError("x"), Failure.UNKNOWN),
    ],
)
def test_a_failure_is_judged_by_what_can_be_done_about_it(error: Exception, failure: Failure):
    assert failure_of(error) is failure


def test_a_failure_is_judged_by_its_cause_too():
    error = RuntimeError("saving the ticket")
    error.__cause__ = asyncpg.DeadlockDetectedError()

    assert failure_of(error) is Failure.TRANSIENT


@given(places=st.lists(st.integers(), unique=True), members=st.lists(st.uuids(), min_size=1, unique=True))
def test_every_partition_has_one_reader_and_shares_differ_by_one_at_most(places: list[int], members: list[UUID]):
    shares = [fair_share(member, places, members) for member in members]

    assert sorted(place for share in shares for place in share) == sorted(places)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_stranger_reads_nothing():
    assert fair_share(UUID(int=1), [1, 2], [UUID(int=2)]) == frozenset()


@given(key=st.binary())
def test_a_key_is_always_in_the_same_partition(key: bytes):
    assert partition_of(key) == partition_of(bytes(key)) < 12


def test_a_place_waits_longer_after_each_failure_until_it_gets_on():
    progress = Progress()

    waits = []
    for _ in range(10):
        progress.hold(A, Hold(5, Failure.TRANSIENT), now=0.0)
        waits.append(progress.waiting()[A].until)
    assert waits[0] <= 0.12
    assert 4.0 <= waits[-1] <= 6.0
    assert progress.due(now=10.0) == [A]
    progress.advance({A: 6})
    progress.hold(A, Hold(7, Failure.TRANSIENT), now=0.0)

    assert progress.waiting()[A].until <= 0.12


def test_offsets_of_a_failed_commit_are_told_again_unless_newer_ones_are_there():
    progress = Progress()
    progress.advance({A: 5, B: 9})

    told = progress.to_commit()
    progress.advance({A: 7})
    progress.keep(told)

    assert progress.to_commit() == {A: 7, B: 9}
    assert progress.to_commit() == {}


def test_the_watchdog_gives_up_at_the_third_rebuild():
    watchdog = Watchdog("probe-svc")
    watchdog.rebuilding()
    watchdog.rebuilding()

    with pytest.raises(Stuck):
        watchdog.rebuilding()


def test_an_address_says_which_log_it_means():
    assert type(open_log("postgresql://u:p@h/moat_log")).__name__ == "PgLog"
    assert type(open_log("kafka://a:1,b:2")).__name__ == "KafkaLog"
    with pytest.raises(ValueError, match="redis"):
        open_log("redis://h")
