"""What a migration must not do: be irreversible, or hold a long lock on a table with rows in it.

The first revision of a service makes its tables and is free; later ones meet tables with rows. Read from the source, so
it needs no database; the tests of each service run up, down and up.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend."""

    path: Path
    line: int
    what: str


# Each with the way to do it without making everybody wait.
_LONG_LOCKS: Final = (
    (
        re.compile(r"\bCREATE\s+(UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)", re.IGNORECASE),
        "CREATE INDEX blocks writers; use CREATE INDEX CONCURRENTLY in op.get_context().autocommit_block()",
    ),
    (
        re.compile(r"\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b", re.IGNORECASE),
        "a change of type rewrites the table; add a column, fill it in slices, swap",
    ),
    (
        re.compile(r"\bALTER\s+COLUMN\s+\w+\s+SET\s+NOT\s+NULL\b", re.IGNORECASE),
        "SET NOT NULL scans under lock; add CHECK (… IS NOT NULL) NOT VALID, validate it, then set",
    ),
    (
        re.compile(r"\bADD\s+COLUMN\b(?=[^,;]*\bNOT\s+NULL\b)(?![^,;]*\bDEFAULT\b)", re.IGNORECASE),
        "a NOT NULL column without a default fails on tables with rows",
    ),
    (
        re.compile(r"\bADD\s+(CONSTRAINT\s+\w+\s+)?(FOREIGN\s+KEY|CHECK)\b(?![^;]*\bNOT\s+VALID\b)", re.IGNORECASE),
        "a constraint scans under lock; add it NOT VALID and validate it in a later statement",
    ),
    (
        re.compile(r"\b(VACUUM\s+FULL|CLUSTER|LOCK\s+TABLE)\b", re.IGNORECASE),
        "this holds an exclusive lock for as long as the table is big",
    ),
)
_MADE: Final = re.compile(r"\bCREATE\s+TABLE\s+(\w+)", re.IGNORECASE)
_INDEX: Final = re.compile(r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+\w+\s+ON\s+(?P<table>\w+)", re.IGNORECASE)
_OPERATIONS: Final = {
    "create_index": ("postgresql_concurrently", _LONG_LOCKS[0][1]),
    "create_foreign_key": ("postgresql_not_valid", _LONG_LOCKS[4][1]),
    "create_check_constraint": ("postgresql_not_valid", _LONG_LOCKS[4][1]),
}


def lint(directory: Path) -> list[Finding]:
    """Everything to mend in the revisions of one service (`migrations/versions`), in order."""
    return [finding for path in sorted(directory.glob("*.py")) for finding in _lint_one(path)]


def _lint_one(path: Path) -> Iterator[Finding]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in ("upgrade", "downgrade"):
        function = functions.get(name)
        if function is None or not any(_does_something(statement) for statement in function.body):
            yield Finding(path, function.lineno if function else 1, f"{name}() does nothing; a migration is reversible")
    if _is_first(tree) or "upgrade" not in functions:
        return
    made = {name for text in _texts(tree) for name in _MADE.findall(text)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for pattern, what in _LONG_LOCKS:
                if pattern.search(_without_indexes_of(made, node.value)):
                    yield Finding(path, node.lineno, what)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _lint_call(path, node, node.func.attr)


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _without_indexes_of(made: set[str], script: str) -> str:
    """The script without indexes of tables that the same revision makes: nobody waits for an empty table."""
    return _INDEX.sub(lambda index: "" if index["table"] in made else index[0], script)


def _lint_call(path: Path, node: ast.Call, name: str) -> Iterator[Finding]:
    if name in _OPERATIONS:
        option, what = _OPERATIONS[name]
        if not any(word.arg == option for word in node.keywords):
            yield Finding(path, node.lineno, what)


def _does_something(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return False
    return not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _is_first(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id == "down_revision":
            return isinstance(value, ast.Constant) and value.value is None
    return False
