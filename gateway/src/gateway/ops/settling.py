"""THE HEART of `settled`: is there anything left to do anywhere?

Two rounds, one after the other. In both every service must answer, be ready, and have nothing before it; and no topic
may have grown between them. Dead letters don't count: they wait for people.
"""

from collections.abc import Mapping
from typing import Any, Final

IDLE: Final = ("outbox", "lag", "timers_overdue", "in_flight")
Round = Mapping[str, Mapping[str, Any] | None]
"""What each service said of itself; None for a silent one."""


def is_idle(said: Round) -> bool:
    """Whether every service answered and had nothing left to do."""
    return all(_is_idle(one) for one in said.values())


def is_settled(first: Round, second: Round) -> bool:
    """Whether nothing was left to do in either round and nothing happened between them."""
    return (
        first.keys() == second.keys()
        and is_idle(first)
        and is_idle(second)
        and all(_ends(first[name]) == _ends(second[name]) for name in second)
    )


def _is_idle(said: Mapping[str, Any] | None) -> bool:
    return said is not None and said.get("ready") is True and all(said.get(name, 0) == 0 for name in IDLE)


def _ends(said: Mapping[str, Any] | None) -> Any:
    return (said or {}).get("end_offsets")
