"""The layers that import-linter checks are those of each service's table of contents.

The story: the order of `features.py` is the order in which a batch passes through a service, and the direction in
which features may know each other. Written twice it would drift, so this rule reads both.
"""

import ast
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

from tools.house_rules.source import Finding, dotted


def check(root: Path) -> Iterator[Finding]:
    """Services whose features stand in another order in their contract in pyproject.toml than in features.py."""
    config = root / "pyproject.toml"
    if not config.is_file():
        return
    contracts = tomllib.loads(config.read_text(encoding="utf-8")).get("tool", {}).get("importlinter", {})
    layers = {
        container: contract["layers"]
        for contract in contracts.get("contracts", [])
        if contract.get("type") == "layers"
        for container in contract.get("containers", [])
    }
    yield from _without_doors(root, layers.keys())
    for contents in sorted(root.glob("services/*/src/*/features.py")):
        package, path = contents.parent.name, contents.relative_to(root).as_posix()
        declared = [name for name in _features(contents) if (contents.parent / name).is_dir()]
        if package not in layers:
            yield Finding(path, 1, f"{package} has no layers contract in pyproject.toml")
            continue
        listed = [layer.strip(" ()") for line in reversed(layers[package]) for layer in line.split("|")]
        ordered = [name for name in listed if name in declared]
        if ordered != declared:
            yield Finding(path, 1, f"the order here is {declared}, in pyproject.toml {ordered}")


def _without_doors(root: Path, containers: Collection[str]) -> Iterator[Finding]:
    """Feature folders whose doors, use cases and tables no contract looks at."""
    for init in sorted(root.glob("services/*/src/*/*/__init__.py")):
        name = f"{init.parent.parent.name}.{init.parent.name}"
        if name not in containers:
            yield Finding(init.relative_to(root).as_posix(), 1, f"{name} is in no layers contract in pyproject.toml")


def _features(contents: Path) -> list[str]:
    """The names of the features in the order they are declared."""
    return [
        node.args[0].value
        for node in ast.walk(ast.parse(contents.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and dotted(node.func) == "Feature"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]
