"""No path of somebody's machine and no address of somebody's package index in what is committed.

The story: a lock file with the index of the machine that made it cannot be installed anywhere else, and a home
directory in a script works for one person. The words below are put together from parts, so that this file does not
break its own rule.
"""

import re
from collections.abc import Iterator
from typing import Final

from tools.house_rules.source import Finding, Source

_HOMES: Final = "|".join(
    ("/" + "root/", "/" + "work/", "/" + "home/(?!nonroot|of/)[a-z]", "/" + "Users/", r"[A-Z]:\\" + "Users")
)
_INDEX_OPTIONS: Final = "|".join(
    f"-{'-'}{name}" for name in ("index-url", "extra-index-url", "find-links", "trusted-host")
)
_INDEX_HOSTS: Final = "|".join(
    "".join(parts)
    for parts in (("arti", "factory"), ("j", "frog"), ("code", "artifact"), ("dev", "pi"), ("nexus", "/repository"))
)
_PATTERNS: Final = (
    (re.compile(rf"(?<![\w.])({_HOMES})"), "a path of somebody's machine"),
    (re.compile(rf"^\s*({_INDEX_OPTIONS})\b", re.MULTILINE), "an option that names a package index"),
    (re.compile(rf"//[\w.@:-]*({_INDEX_HOSTS})", re.IGNORECASE), "the address of a package index"),
)


def check(source: Source) -> Iterator[Finding]:
    """Such places in any text file."""
    for pattern, what in _PATTERNS:
        for match in pattern.finditer(source.text):
            line = source.text.count("\n", 0, match.start()) + 1
            yield Finding(source.path, line, f"{what}: {match.group(1)}")
