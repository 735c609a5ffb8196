"""All or nothing: everything is worked out first, written then, and put back as it was if anything fails."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tools.new_service.composing import composed
from tools.new_service.naming import Name, Refused
from tools.new_service.telling import TELLING

TEMPLATES: Final = Path(__file__).parent / "templates"
COMPOSE: Final = "docker-compose.yml"


def made(name: Name) -> dict[str, str]:
    """The service's own files: path from the top of the house → text."""
    home = f"services/{name.service}"
    return {
        f"{home}/{_placed(template, name)}": name.put_into(template.read_text(encoding="utf-8"))
        for template in sorted(TEMPLATES.rglob("*.tmpl"))
    }


def _placed(template: Path, name: Name) -> str:
    path = template.relative_to(TEMPLATES).as_posix().removesuffix(".tmpl")
    return path.replace("name_svc", name.package)


def told(root: Path, name: Name) -> dict[str, str]:
    """The files of others that change: path → new text. Raises MissingAnchor."""
    changed = {}
    for path, tell in (*TELLING.items(), (COMPOSE, composed)):
        before = (root / path).read_text(encoding="utf-8")
        after = tell(path, before, name)
        if after != before:
            changed[path] = after
    _check(changed, name)
    return changed


def _check(changed: Mapping[str, str], name: Name) -> None:
    """What was put into TOML and YAML is where a reader of them finds it."""
    if "pyproject.toml" in changed:
        tool: dict[str, Any] = tomllib.loads(changed["pyproject.toml"])["tool"]
        contracts = {one["id"]: one for one in tool["importlinter"]["contracts"]}
        heard = (
            *(tool["importlinter"]["root_packages"], contracts["islands"]["modules"]),
            *(contracts["shared-owns-nothing"]["forbidden_modules"], contracts[name.word]["containers"]),
        )
        if not all(name.package in names for names in heard):
            raise Refused("pyproject.toml: the service is not where it was put; nothing was changed")
    if COMPOSE in changed:
        services = yaml.safe_load(changed[COMPOSE])["services"]
        if not {f"{name.word}-migrate", name.service, f"{name.service}-worker"} <= services.keys():
            raise Refused(f"{COMPOSE}: the service is not where it was put; nothing was changed")


def make(root: Path, name: Name) -> tuple[list[str], list[str]]:
    """Write everything; returns the paths that were made and those that were changed. Raises Refused."""
    new, changed = made(name), told(root, name)
    before = {path: (root / path).read_text(encoding="utf-8") for path in changed}
    try:
        for path, text in (new | changed).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        _tidy(root, [path for path in (*new, *changed) if path.endswith(".py")])
    except BaseException:
        shutil.rmtree(root / f"services/{name.service}", ignore_errors=True)
        for path, text in before.items():
            (root / path).write_text(text, encoding="utf-8")
        raise
    return list(new), list(changed)


def _tidy(root: Path, paths: list[str]) -> None:
    """Sort imports and wrap lines, which depend on the name."""
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--no-cache", *paths]
        done = subprocess.run(ruff, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Refused(f"ruff {command[0]} failed, nothing was changed:\n{done.stdout}{done.stderr}")


def next_steps(name: Name) -> Iterator[str]:
    """What to do now, as lines."""
    yield f"make check: it is green; the first time it installs {name.service} into .venv"
    yield f"services/{name.service}/README.md: what it does so far (purchases, an example to rename or replace)"
    yield "docs/handbook/adding-a-service.md: its own events, its part of the overview, its first start"
