"""Waiting for something that will be so, within a bound."""

import time
from collections.abc import Callable
from typing import Any


def until(true: Callable[[], Any], seconds: float, *, what: Callable[[], object] | str = "") -> Any:
    """The first truthy answer of `true`; fails with `what` is the matter when it does not come within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {what() if callable(what) else what}"
        time.sleep(0.1)
