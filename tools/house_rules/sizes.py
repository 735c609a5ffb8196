"""No hand-written Python file over 300 lines, no function over 50.

The story: a service module of thousands of lines is where nobody finds the transaction any more. A file over 300
lines is two rooms. A migration's `upgrade` is a list of statements and may be longer; data tables in tests are data.
"""

import ast
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source

FILE_LINES_MAX: Final = 300
FUNCTION_LINES_MAX: Final = 50


def check(source: Source) -> Iterator[Finding]:
    """Files and functions that are too long; a function's decorators and docstring count, being read too."""
    if not source.is_python:
        return
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield Finding(source.path, lines, f"{lines} lines; a file over {FILE_LINES_MAX} is two rooms")
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        is_migration = "migrations/versions/" in source.path and node.name in {"upgrade", "downgrade"}
        if length > FUNCTION_LINES_MAX and not is_migration:
            yield source.at(node, f"{node.name} has {length} lines; over {FUNCTION_LINES_MAX} is two functions")
