"""No commit but at the end of `Database.transaction()`.

The story: a helper that commits splits its caller's unit of work, and a crash between the halves leaves points
without an order. The outbox rows are written by `transaction()` as its last statement, so a commit elsewhere also
loses events. The embedded log keeps a database of its own, which no service writes in the same unit of work.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source, dotted

_MAY: Final = ("moat.kit.db.database", "moat.kit.messaging.pglog")
_ENDINGS: Final = ("COMMIT", "END", "ROLLBACK", "COMMIT PREPARED")


def check(source: Source) -> Iterator[Finding]:
    """Commits of a connection (`.commit()` without arguments, which offsets have), `.begin()`, and COMMIT as SQL."""
    module = source.module
    if module is None or any(module == may or module.startswith(f"{may}.") for may in _MAY):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func).rpartition(".")[2]
        if name == "commit" and isinstance(node.func, ast.Attribute) and not (node.args or node.keywords):
            yield source.at(node, "a commit outside Database.transaction()")
        elif name in {"begin", "begin_nested"} and isinstance(node.func, ast.Attribute):
            yield source.at(node, f"{name}() commits when it ends; use Database.transaction()")
        elif any(_ends(argument) for argument in node.args):
            yield source.at(node, "SQL that ends a transaction outside Database.transaction()")


def _ends(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip("; \n").upper() in _ENDINGS
    )
