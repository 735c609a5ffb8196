import os
import pickle
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moat.kit.ids import instant_of, uuid7, uuid7s, uuid_of


def test_an_id_is_a_version_7_uuid_of_the_present_millisecond():
    before = datetime.now(UTC).timestamp()
    id_ = uuid7()
    after = datetime.now(UTC).timestamp()

    assert (id_.version, id_.variant) == (7, "specified in RFC 4122")
    assert before - 0.001 <= instant_of(id_).timestamp() <= after + 0.001


def test_the_vector_of_the_standard_has_its_instant():
    # RFC 9562, appendix A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00.
    assert instant_of(UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_ids_of_other_versions_have_no_instant():
    assert instant_of(UUID("919108f7-52d1-4320-9bac-f847db4148a8")) is None


def test_ids_grow_within_a_process_even_from_several_threads():
    made = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda to=to: to.extend(uuid7() for _ in range(5_000))) for to in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(ids == sorted(ids) for ids in made)
    assert len({id_ for ids in made for id_ in ids}) == 20_000


def test_a_child_process_does_not_repeat_its_parents_random_bits():
    uuid7()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"".join((uuid7().int & (2**62 - 1)).to_bytes(8) for _ in range(50)))
        os._exit(0)
    mine = {uuid7().int & (2**62 - 1) for _ in range(50)}
    os.waitpid(child, 0)
    told = os.read(reading, 400)
    os.close(reading)
    os.close(writing)

    theirs = {int.from_bytes(told[at : at + 8]) for at in range(0, 400, 8)}
    assert len(theirs) == 50
    assert not mine & theirs


def test_many_ids_at_once_are_of_their_time_and_grow_with_those_before_and_after_them():
    before = uuid7()
    at = datetime.now(UTC).timestamp()
    many = uuid7s(3_000)
    after = uuid7()

    assert {(id_.version, id_.variant) for id_ in many} == {(7, "specified in RFC 4122")}
    assert [before, *many, after] == sorted({before, *many, after})
    # A tick is a 4096th of a millisecond: three thousand of them stay within one.
    assert at - 0.001 <= instant_of(many[0]).timestamp() <= instant_of(many[-1]).timestamp() <= at + 1
    assert len({id_.int & (2**62 - 1) for id_ in many}) == 3_000
    assert uuid7s(0) == []


def test_many_ids_at_once_grow_while_the_clock_stands_still(monkeypatch: pytest.MonkeyPatch):
    now = time.time_ns() + 10**9
    monkeypatch.setattr(time, "time_ns", lambda: now)

    made = [*uuid7s(50), uuid7(), *uuid7s(50), *uuid7s(1), uuid7()]

    assert made == sorted(set(made))


@given(st.uuids())
def test_an_id_read_from_text_is_the_one_that_was_written(id_):
    read = uuid_of(str(id_))

    assert (read, hash(read), str(read), read.bytes, read.version) == (id_, hash(id_), str(id_), id_.bytes, id_.version)
    assert isinstance(read, UUID)
    assert pickle.loads(pickle.dumps(read)) == id_


@pytest.mark.parametrize(
    "text", ["", "1", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "x" * 36, "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff"]
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(ValueError, match="UUID"):
        uuid_of(text)
