from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from moat.kit.messaging.batches import LANE_EVENTS_MIN, LANES_MAX, lanes_of
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

    assert len(lanes) <= LANES_MAX
    assert sorted(place for lane in lanes for place in lane) == sorted(records)
    assert all(lane[place] is records[place] for lane in lanes for place in lane)


def test_a_small_poll_and_a_single_partition_stay_one_transaction():
    assert len(lanes_of(poll(10, 10))) == 1
    assert len(lanes_of(poll(LANE_EVENTS_MIN * 4))) == 1


def test_a_large_poll_is_parted_evenly_into_as_many_lanes_as_it_fills():
    for full, lanes in ((2, 2), (3, 3), (20, LANES_MAX)):
        batch = -(-full * LANE_EVENTS_MIN // 12)

        loads = [sum(map(len, lane.values())) for lane in lanes_of(poll(*[batch] * 12))]

        assert loads == [batch * 12 // lanes] * lanes
