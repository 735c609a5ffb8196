"""The environment is read by settings modules only.

The story: a variable that is read deep inside a module is one that no document lists, no test sets and no operator
finds. The runner of one machine hands its own environment on to its children; nobody else needs it.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source, dotted

_READS: Final = frozenset({"os.environ", "os.environb", "os.getenv", "os.putenv"})
_MAY: Final = ("moat_local.", "moat.kit.embedded.")


def check(source: Source) -> Iterator[Finding]:
    """Uses of os.environ and its relatives."""
    module = source.module
    if module is None or module.endswith(".settings") or module.startswith(_MAY):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in _READS:
            yield source.at(node, f"{dotted(node)} outside a settings module")
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if f"os.{alias.name}" in _READS:
                    yield source.at(node, f"os.{alias.name} outside a settings module")
