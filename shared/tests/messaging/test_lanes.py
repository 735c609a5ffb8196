from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from moat.kit.messaging.batches import LANES_EVENTS_MIN, lanes_of
from moat.kit.messaging.log import Place, Received


def poll(*sizes):
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return {
        Place("t", number): [Received("t", number, offset, None, None, (), at) for offset in range(size)]
        for number, size in enumerate(sizes)
    }


@given(st.lists(st.integers(min_value=1, max_value=400), min_size=1, max_size=12))
def test_every_record_is_in_one_lane_in_its_partitions_order(sizes):
    records = poll(*sizes)

    lanes = lanes_of(records)

    assert len(lanes) <= 2
    assert sorted(place for lane in lanes for place in lane) == sorted(records)
    assert all(lane[place] is records[place] for lane in lanes for place in lane)


def test_a_small_poll_and_a_single_partition_stay_one_transaction():
    assert len(lanes_of(poll(10, 10))) == 1
    assert len(lanes_of(poll(LANES_EVENTS_MIN * 2))) == 1


def test_a_large_poll_is_parted_evenly():
    first, second = lanes_of(poll(*[200] * 10))

    assert sum(map(len, first.values())) == sum(map(len, second.values())) == 1000
