"""Durable timers, set and moved in the transaction of the domain."""

from moat.kit.timers.door import DueTimer, Timers
from moat.kit.timers.store import bring_forward, clear_timers, raise_alarm, set_timers

__all__ = ("DueTimer", "Timers", "bring_forward", "clear_timers", "raise_alarm", "set_timers")
