"""Which names a service may have: one lowercase word that nobody in the house uses for something else."""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_WORD: Final = re.compile(r"[a-z]{2,20}\Z")
_PART: Final = re.compile(r"/v1/customers/\{customer_id\}/([a-z_-]+)")
# What has a meaning beside the services: our own packages, the servers, and roles or variables of the compose file.
_RESERVED: Final = frozenset(
    {"moat", "gateway", "shared", "log", "kafka", "postgres", "provision", "topics", "database", "events", "owner"}
)


class Refused(Exception):
    """Why no service is made, as a sentence."""


@dataclass(frozen=True, slots=True)
class Name:
    """A service's word (`visit`) in all its forms, and the port it answers at."""

    word: str
    port: int

    @property
    def service(self) -> str:
        return f"{self.word}-svc"

    @property
    def package(self) -> str:
        return f"{self.word}_svc"

    @property
    def upper(self) -> str:
        return self.word.upper()

    def put_into(self, text: str) -> str:
        """`text` with this name where a template has `@name@`, `@NAME@` and `@port@`."""
        return text.replace("@name@", self.word).replace("@NAME@", self.upper).replace("@port@", str(self.port))


def named(given: str, root: Path) -> Name:
    """The name that was asked for, with or without `-svc`. Raises Refused."""
    word = given.strip().removesuffix("-svc")
    if not word:
        raise Refused("Say which: make new-service NAME=visit")
    if not _WORD.match(word):
        raise Refused(
            f"{given!r} is no name for a service: one word of 2 to 20 lowercase letters, like visit or visit-svc"
        )
    if keyword.iskeyword(word) or word in _RESERVED:
        raise Refused(f"{word!r} has a meaning of its own here; take another word")
    if (root / f"services/{word}-svc").exists():
        raise Refused(f"services/{word}-svc is there already; nothing was changed")
    if word in set(_parts(root)):
        raise Refused(f"/v1/customers/{{customer_id}}/{word} is answered by another service already; take another word")
    if _is_scope_of_another(root, word):
        raise Refused(f"the scope {word}:read is another's already; take another word")
    return Name(word, _free_port(root))


def _is_scope_of_another(root: Path, word: str) -> bool:
    """Whether callers hold rights by this word that were not given for a service of this name."""
    scopes = (root / "gateway/src/gateway/identity/roles.py").read_text(encoding="utf-8")
    routes = (root / "gateway/src/gateway/proxy/routing.py").read_text(encoding="utf-8")
    return f'"{word}:' in scopes and f'"{word}-svc"' not in routes


def _parts(root: Path) -> Iterator[str]:
    """What stands behind a customer in the paths that are served already."""
    for pattern in ("services/*/src/**/*api.py", "gateway/src/**/*api.py"):
        for path in root.glob(pattern):
            yield from _PART.findall(path.read_text(encoding="utf-8"))


def _free_port(root: Path) -> int:
    """The first port from 8101 that is free in the images, and ten above it for the worker."""
    files = [root / "docker-compose.yml", *root.glob("services/*/Dockerfile")]
    taken = {int(port) for path in files for port in re.findall(r"\b(8\d{3})\b", path.read_text(encoding="utf-8"))}
    for port in range(8101, 8990):
        if not {port, port + 10} & taken:
            return port
    raise Refused("No port between 8101 and 8989 is free in docker-compose.yml")
