"""Reading docker-compose.yml as compose does: variables put in, merges resolved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

COMPOSE_FILE: Final = Path(__file__).parents[2] / "docker-compose.yml"
_VARIABLE: Final = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")
_FIRST: Final = ("provision", "topics", "-migrate")


class Unset(ValueError):
    """A variable that has no default was not given."""


@dataclass(frozen=True, slots=True)
class ProcessPlan:
    """One container of ours as the compose file describes it."""

    name: str
    image: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    volumes: tuple[str, ...]

    @property
    def runs_once(self) -> bool:
        """Whether it ends by itself before the others start."""
        return self.name.endswith(_FIRST)


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The compose file with these variables put in. Raises Unset."""

    def put_in(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        if name in variables:
            return variables[name]
        if how == "-":
            return str(rest)
        raise Unset(f"{name}: {rest or 'is not set'}")

    document = yaml.safe_load(_VARIABLE.sub(put_in, COMPOSE_FILE.read_text(encoding="utf-8")))
    return {key: value for key, value in document.items() if not key.startswith("x-")}


def our_processes(document: Mapping[str, Any]) -> list[ProcessPlan]:
    """The containers made from our images, in the order of the file."""
    return [
        ProcessPlan(
            name=name,
            image=service["image"],
            entrypoint=tuple(service.get("entrypoint", ())),
            command=tuple(service.get("command", ())),
            environment=service["environment"],
            volumes=tuple(service.get("volumes", ())),
        )
        for name, service in document["services"].items()
        if service["image"].startswith("moat/")
    ]
