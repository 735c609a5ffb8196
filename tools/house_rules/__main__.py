"""`python -m tools.house_rules [ROOT]`: every house rule over every file of a tree; 1 if one is broken."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.house_rules import clock, commits, environment, features, imports, order, places, sending, sizes
from tools.house_rules.source import Finding, Source, sources

RULES: Final[tuple[Callable[[Source], Iterable[Finding]], ...]] = (
    clock.check,
    commits.check,
    sending.check,
    sizes.check,
    environment.check,
    features.check,
    imports.check,
    places.check,
)


def findings(root: Path) -> Iterator[Finding]:
    """Everything that is wrong in a tree."""
    for source in sources(root):
        if source.is_python:
            try:
                _ = source.tree
            except SyntaxError as error:
                yield Finding(source.path, error.lineno or 1, f"no Python: {error.msg}")
                continue
        for rule in RULES:
            yield from rule(source)
    yield from order.check(root)


def main() -> int:
    """Print what is wrong, one line each."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    found = list(findings(root))
    for finding in found:
        print(finding)
    print(f"house rules: {len(found)} broken" if found else "house rules: kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
