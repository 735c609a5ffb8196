"""Nothing is sent to the log but by `moat.kit.messaging`.

The story: a producer used beside a transaction announces what is then rolled back, or commits what is then never
announced. Features call `tx.publish`; the relay sends. The gateway's intake is the one door without state of its own:
it answers 202 only when the log has the facts, so it appends by itself, in one module.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source, dotted

_MAY: Final = ("moat.kit.messaging", "moat.kit.testing", "gateway.intake.appending")
_SENDS: Final = frozenset({"send", "send_batch", "send_and_wait"})


def check(source: Source) -> Iterator[Finding]:
    """Calls that send on something named a producer, and batch sends on anything."""
    module = source.module
    if module is None or any(module == may or module.startswith(f"{may}.") for may in _MAY):
        return
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        whom = dotted(node.func.value).lower()
        if node.func.attr in _SENDS and ("producer" in whom or node.func.attr != "send"):
            yield source.at(node, "only moat.kit.messaging sends to the log; use tx.publish")
    for node, name in source.imports():
        if name.startswith("aiokafka"):
            yield source.at(node, "only moat.kit.messaging speaks with Kafka")
