"""No clock but `moat.kit.clock` (and `kit.ids`, which needs nanoseconds).

The story: a timer that asks the machine what time it is cannot be tested at 29 February, and two halves of one
decision that ask twice can disagree. Time is a parameter. Durations are measured with `time.monotonic`, which is no
clock.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source, dotted

_CLOCKS: Final = frozenset({"moat.kit.clock", "moat.kit.ids"})
_READS: Final = frozenset(
    {
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
        *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"),
    }
)
_NAMES: Final = {"time": {"time", "time_ns", "localtime", "gmtime", "ctime"}}


def check(source: Source) -> Iterator[Finding]:
    """Reads of the machine's clock, called or handed on."""
    if source.module is None or source.module in _CLOCKS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ".".join(dotted(node).split(".")[-2:]) in _READS:
            yield source.at(node, f"{dotted(node)} reads the machine's clock; take a Clock or an instant")
        elif isinstance(node, ast.ImportFrom) and node.module in _NAMES:
            for alias in node.names:
                if alias.name in _NAMES[node.module]:
                    yield source.at(node, f"{node.module}.{alias.name} reads the machine's clock; take a Clock")
