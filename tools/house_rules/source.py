"""The files a rule looks at, and what it finds in them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

_SKIPPED: Final = frozenset({".git", ".venv", ".moat", "__pycache__", "node_modules", "target", "dist", "build"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule at a place."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Source:
    """One file; `path` is relative to the root, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, self.path)

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def is_test(self) -> bool:
        return "tests" in self.path.split("/")[:-1]

    @property
    def module(self) -> str | None:
        """The dotted name when it belongs to a package of the house (`…/src/<package>/…`), or None."""
        head, inside, tail = self.path.partition("src/")
        if not (inside and self.is_python) or (head and not head.endswith("/")):
            return None
        return tail.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, node: ast.AST, what: str) -> Finding:
        """A finding at a node."""
        return Finding(self.path, getattr(node, "lineno", 1), what)

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module or name that is imported anywhere in the file, as dotted names."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = f"{'.' * node.level}{node.module or ''}"
                yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute chain; calls and subscripts inside it are left out, anything else is empty."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return dotted(inner)
    return ""


def sources(root: Path) -> Iterator[Source]:
    """Every text file of the tree that git knows or would take; outside a repository, every file."""
    for path in sorted(_paths(root)):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        yield Source(path, text)


def _paths(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [path for path in listed.stdout.split("\0") if path]
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return [path.as_posix() for path in found if not _SKIPPED.intersection(path.parts)]
