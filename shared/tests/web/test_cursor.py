"""A cursor gives back exactly the key it was made of, in its own list only; anything else is refused."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moat.kit.web.cursor import BrokenCursor, decode_cursor, encode_cursor

values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=st.just(UTC))
)
keys = st.lists(values, min_size=1, max_size=4)


@given(keys)
def test_a_key_comes_back_as_it_was(key):
    back = decode_cursor(encode_cursor(key, "/v1/things"), "/v1/things")

    assert back == tuple(key)
    assert [type(value) for value in back] == [type(value) for value in key]


@given(keys)
def test_a_cursor_of_another_list_is_broken(key):
    with pytest.raises(BrokenCursor):
        decode_cursor(encode_cursor(key, "/v1/things"), "/v1/others")


@given(st.text(max_size=200))
def test_any_other_text_is_broken(text):
    with pytest.raises(BrokenCursor):
        decode_cursor(text, "/v1/things")


@given(keys, st.data())
def test_a_changed_cursor_is_broken(key, data):
    cursor = encode_cursor(key, "/v1/things")
    place = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.sampled_from([c for c in "ABCabc012-_" if c != cursor[place]]))

    with pytest.raises(BrokenCursor):
        decode_cursor(cursor[:place] + other + cursor[place + 1 :], "/v1/things")


def test_only_what_has_a_stable_order_stands_in_a_cursor():
    assert decode_cursor(encode_cursor([datetime(2026, 1, 1, tzinfo=UTC), UUID(int=1)], "p"), "p")

    with pytest.raises(TypeError):
        encode_cursor([object()], "p")
