"""`python -m tools.locking write | check`: `requirements.lock`, every third-party package that the house needs.

One lock for the whole house, with hashes and without any index address, made from what each `pyproject.toml` declares
and the `dev` group of the root. What works on the house but does not run in it comes last, below a line of its own, so
that `make run` can leave it out. `check` only compares what is declared with what is locked, so it needs no network.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCK = Path("requirements.lock")
HEAD = "# Every third-party package of the house, by `make lock`. Not edited by hand.\n"
DEV = "# What works on the house and does not run in it.\n"
"""The Makefile installs only what stands above this line for `make run`."""
DEV_EXTRAS = frozenset({"testing"})


def declared(*, dev: bool = True) -> list[Requirement]:
    """What is declared anywhere, our own packages left out; without `dev` only what runs, and what installs that."""
    found = {str(requirement): requirement for requirement in map(Requirement, _lines(dev=dev))}
    return [found[key] for key in sorted(found) if not _is_ours(found[key].name)]


def _lines(*, dev: bool) -> Iterator[str]:
    groups = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    yield from groups["install"]
    if dev:
        yield from groups["dev"]
    for path in sorted([*Path().glob("services/*/pyproject.toml"), *map(Path, _ALSO)]):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        yield from document["build-system"]["requires"]
        yield from document["project"].get("dependencies", [])
        for extra, lines in document["project"].get("optional-dependencies", {}).items():
            if dev or extra not in DEV_EXTRAS:
                yield from lines


_ALSO = ("shared/pyproject.toml", "gateway/pyproject.toml", "deploy/local/pyproject.toml")


def _is_ours(name: str) -> bool:
    return name == "moat" or name.startswith("moat-")


def locked() -> dict[str, Version]:
    """Canonical name → version of every package in the lock."""
    lines = (line.split(";")[0].strip(" \\") for line in LOCK.read_text(encoding="utf-8").splitlines())
    pins = (line.split("==") for line in lines if "==" in line and not line.startswith(("#", "--")))
    return {canonicalize_name(name.partition("[")[0]): Version(version) for name, version in pins}


def compiled(requirements: list[Requirement], *options: str) -> str:
    """What pip-compile makes of them, keeping what is locked already where it still fits."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted, made = Path(scratch) / "requirements.in", Path(scratch) / "requirements.lock"
        wanted.write_text("".join(f"{requirement}\n" for requirement in requirements), encoding="utf-8")
        if LOCK.exists():
            made.write_text(LOCK.read_text(encoding="utf-8"), encoding="utf-8")
        plain = ["--strip-extras", "--no-header", "--no-annotate", "--allow-unsafe", "--quiet"]
        silent = ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-emit-options"]
        command = [sys.executable, "-m", "piptools", "compile", *plain, *silent, *options, "-o", str(made), str(wanted)]
        subprocess.run(command, check=True)
        return made.read_text(encoding="utf-8")


def blocks(lock: str) -> dict[str, str]:
    """Canonical name → its lines, hashes included."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.splitlines(keepends=True):
        if line.startswith("#") or not line.strip():
            continue
        if not line[0].isspace():
            name = canonicalize_name(line.partition("==")[0].partition("[")[0].strip())
        found[name] = found.get(name, "") + line
    return found


def write() -> int:
    """Resolve anew."""
    running = blocks(compiled(declared(dev=False))).keys()
    everything = blocks(compiled(declared(), "--generate-hashes"))
    runs = "".join(lines for name, lines in everything.items() if name in running)
    works = "".join(lines for name, lines in everything.items() if name not in running)
    LOCK.write_text(HEAD + runs + DEV + works, encoding="utf-8")
    return check()


def check() -> int:
    """Say what is declared and not locked, or locked at a version that does not fit; 1 if anything is."""
    pins = locked()
    problems = [
        f"{requirement} is declared, {pins.get(canonicalize_name(requirement.name), 'nothing')} is locked"
        for requirement in declared()
        if not (requirement.marker and not requirement.marker.evaluate())
        and not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), Version("0")))
    ]
    print(
        "\n".join([*problems, "run `make lock`"] if problems else [f"lock: {len(pins)} packages, all that is declared"])
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit({"write": write, "check": check}[sys.argv[1]]())
