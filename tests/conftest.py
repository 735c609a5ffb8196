"""The whole house, once a session for each kind of log; it starts when the first test asks for it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from whole.house import House
from whole.running import a_running_house


@pytest.fixture(scope="session", params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """A running house on each kind of log in turn, shared by all tests: each brings customers of its own."""
    with a_running_house(request.param) as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several workers all tests of one house go to one of them: a house is started once.

    Workers take large groups first and then what stands alone, in this order; so that none of them begins the longest
    test when the others have nothing left to do, that comes before the short ones.
    """
    for item in items:
        called = getattr(item, "callspec", None)
        if called is not None and called.params.get("house") in ("embedded", "kafka"):
            item.add_marker(pytest.mark.xdist_group(f"house-{called.params['house']}"))
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
