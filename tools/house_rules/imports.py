"""The import law where it is a list of what is allowed, not of what is forbidden.

The story: a list of forbidden modules is out of date with every new module. `moat.contracts` and `moat.rules` may use
the pure modules of the kit and nothing else, and those may use only each other, so that a payload can be read without
a database. Layers and islands are import-linter's (`pyproject.toml`).
"""

import sys
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source

_PURE_KIT: Final = ("moat.kit.clock", "moat.kit.events", "moat.kit.ids", "moat.kit.instants", "moat.kit.money")
_MAY: Final = {
    "moat.contracts": (*_PURE_KIT, "moat.contracts", "pydantic"),
    "moat.rules": ("moat.kit.clock", "moat.kit.money", "moat.kit.problems", "moat.rules"),
    "moat.kit.clock": (),
    # The driver's UUID is a value like uuid.UUID; nothing of the driver itself comes with it.
    "moat.kit.ids": ("asyncpg.pgproto.pgproto",),
    "moat.kit.instants": ("pydantic",),
    "moat.kit.money": (),
    "moat.kit.problems": (),
    "moat.kit.documents.model": ("moat.kit.problems", "pydantic", "pydantic_core"),
    "moat.kit.documents.kind": ("moat.kit.documents.model", "moat.kit.problems", "pydantic"),
    "moat.kit.events": ("moat.kit.ids", "moat.kit.money", "moat.kit.clock", "pydantic", "pydantic_core"),
}


def check(source: Source) -> Iterator[Finding]:
    """Imports beyond what a pure module may have."""
    module = source.module or ""
    allowed = next((may for name, may in _MAY.items() if module == name or module.startswith(f"{name}.")), None)
    if allowed is None:
        return
    for node, imported in source.imports():
        if imported.split(".")[0] in sys.stdlib_module_names:
            continue
        if not any(imported == may or imported.startswith(f"{may}.") for may in allowed):
            yield source.at(node, f"{module} is pure and may not import {imported}")
