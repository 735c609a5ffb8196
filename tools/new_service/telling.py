"""Who has to hear of a new service, file by file: each function makes a file's new text out of the old one.

Every one may be asked again about a text that has the service already and then changes nothing. Other places find
services by themselves (images, passwords of the compose file, tests that count services).
"""

import re
from collections.abc import Callable
from typing import Final

from tools.new_service.inserting import before, into_list
from tools.new_service.naming import Name

_LAYERS: Final = """\
[[tool.importlinter.contracts]]
id = "@name@"
name = "@name@-svc: features in one direction, no stray module"
type = "layers"
containers = ["@name@_svc"]
layers = [
    "(__main__)", "(worker) | (main)", "(features)",
    "(purchases)",
    "(settings) | (metadata)",
]
exhaustive = true

"""


def law(path: str, text: str, name: Name) -> str:
    """pyproject.toml: the packages that import-linter and mypy look at, and the contracts of this one."""
    package, last = f'"{name.package}"', '"gateway"'
    text = into_list(path, text, r"^root_packages = \[", package, before_word=last)
    for contract, key in (("islands", "modules"), ("shared-owns-nothing", "forbidden_modules")):
        begins = rf'^id = "{contract}"\n(?:.+\n)*?{key} = \['
        text = into_list(path, text, begins, package, before_word=last)
    source = f"services/{name.service}/src:"
    text = before(path, text, r"(?<=[:\"])gateway/src:deploy/local/src\"$", source)
    text = before(path, text, r"^\[\[tool\.importlinter\.contracts\]\]\nid = \"gateway\"$", name.put_into(_LAYERS))
    return before(path, text, r"^\]\nlayers = \[\"\(api\)", f'    "{name.package}.purchases",\n')


def routing(path: str, text: str, name: Name) -> str:
    """The gateway's table of paths."""
    text = before(path, text, r"^SERVICES: Final = \(", f'{name.upper} = "{name.service}"\n')
    text = into_list(path, text, r"^SERVICES: Final = \(", name.upper, before_word="")
    route = f'    b"{name.word}": Route("/v1/customers/{{customer_id}}/{name.word}", {name.upper}),\n'
    return before(path, text, r'^    b"overview": OWN,$', route)


def settings(path: str, text: str, name: Name) -> str:
    """The gateway's variable with the address."""
    line = re.search(r"^from gateway\.proxy\.routing import ([A-Z_, ]+)$", text, re.MULTILINE)
    if line is None:
        text = into_list(path, text, r"^from gateway\.proxy\.routing import \(", name.upper, before_word="")
    elif name.upper not in line.group(1).split(", "):
        text = text.replace(line.group(0), f"{line.group(0)}, {name.upper}")
    text = before(path, text, r"^\n    signing_keys_dir: Path$", f"    {name.word}_url: str\n")
    pair = f"            {name.upper}: self.{name.word}_url,\n"
    return before(path, text, r"^        \}\n        return \{name: url\.rstrip", pair)


def roles(path: str, text: str, name: Name) -> str:
    """The scope, and the roles that read."""
    scope = f'"{name.word}:read"'
    text = into_list(path, text, r"^_READS: Final = frozenset\(\s*\{", scope, before_word="")
    return into_list(path, text, r"^Scope = Literal\[", scope, before_word='"ops"')


def plan(path: str, text: str, name: Name) -> str:
    """What `make run` starts."""
    begins = r"^SERVICES: Final = tuple\([\s\S]*? for short in \("
    return into_list(path, text, begins, f'"{name.word}"', before_word="")


def readme(path: str, text: str, name: Name) -> str:
    """A row in the table of services."""
    says = "每位客户付过款的订单（示例，待替换）" if "zh-CN" in path else "what each customer paid for (an example)"
    row = f"| {name.service} | {says} | [README](services/{name.service}/README.md) |\n"
    return before(path, text, r"^\| `shared/` \| ", row)


def changelog(path: str, text: str, name: Name) -> str:
    """A line under what is not released yet."""
    line = f"- **{name.service}**: a new service; so far it tells what each customer paid for.\n"
    return before(path, text, r"(?<=^## \[Unreleased\]\n\n### Added\n\n)", line)


TELLING: Final[dict[str, Callable[[str, str, Name], str]]] = {
    "pyproject.toml": law,
    "gateway/src/gateway/proxy/routing.py": routing,
    "gateway/src/gateway/settings.py": settings,
    "gateway/src/gateway/identity/roles.py": roles,
    "deploy/local/src/moat_local/plan.py": plan,
    "README.md": readme,
    "README.zh-CN.md": readme,
    "CHANGELOG.md": changelog,
}
