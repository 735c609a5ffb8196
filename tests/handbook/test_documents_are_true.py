"""What the documents show is what there is: links lead somewhere, examples are accepted, excerpts are the code."""

import json
import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from gateway.intake.checking import Accepted, check

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "*/README.md", "services/*/README.md", "deploy/*/README.md")
    for path in ROOT.glob(pattern)
)
HANDBOOK = ROOT / "docs/handbook"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(path: Path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]

    lost = [target for target in targets if not (path.parent / target.partition("#")[0]).exists()]

    assert lost == []


NAMED = re.compile(r"`((?:shared|services|gateway|deploy|docs|tests|tools|bench)/[\w./-]+\.\w+)`")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_is_there(path: Path):
    named = NAMED.findall(path.read_text(encoding="utf-8"))

    lost = [name for name in named if not (ROOT / name).exists()]

    assert lost == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_make_command_that_is_named_is_there(path: Path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?:^|`|MOAT_\S+ )make ([a-z][a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)

    lost = [target for target in targets if f"\n{target}: " not in makefile]

    assert lost == []


def excerpts() -> list[tuple[str, str, str]]:
    found = []
    for path in sorted(HANDBOOK.glob("*.md")):
        for source, code in re.findall(
            r"<!-- excerpt: (\S+) -->\n```\w+\n(.*?)```", path.read_text("utf-8"), re.DOTALL
        ):
            found.append((path.name, source, code))
    return found


@pytest.mark.parametrize(("document", "source", "code"), excerpts())
def test_an_excerpt_is_the_code_as_it_is(document: str, source: str, code: str):
    assert code in (ROOT / source).read_text(encoding="utf-8"), f"{document} shows what {source} no longer says"


def raw_facts() -> list[tuple[str, str]]:
    text = (HANDBOOK / "sending-events.md").read_text(encoding="utf-8")
    parts = re.split(r"\n(?=\*\*`moat\.intake)", text)[1:]
    return [
        (type_, re.findall(r"```json\n(.*?)```", part, re.DOTALL)[0])
        for part in parts
        for type_ in re.findall(r"\*\*`(moat\.intake\.[a-z.]+\.v1)`\*\*", part)
    ]


def test_there_is_an_example_of_every_type():
    from moat.contracts.catalogue import INTAKE

    assert {type_ for type_, _ in raw_facts()} == set(INTAKE)


@pytest.mark.parametrize(("type_", "data"), raw_facts())
def test_an_example_of_a_fact_is_accepted(type_: str, data: str):
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/shops/main",
        "type": type_,
        "time": "2026-11-20T08:30:00Z",
        "data": json.loads(data),
    }

    assert isinstance(check(event, now=datetime(2026, 11, 21, tzinfo=UTC), traceparent=""), Accepted)


def shown_routes() -> list[tuple[str, str]]:
    """(document, path) of every path that is shown to callers, placeholders as they are written."""
    pages = [*HANDBOOK.glob("*.md"), ROOT / "README.md", ROOT / "README.zh-CN.md"]
    pattern = re.compile(r"(?:\$URL|(?:GET|POST|PUT|PATCH|DELETE) )(/v1/[\w/${}.-]*)", re.ASCII)
    return sorted({(page.name, path) for page in pages for path in pattern.findall(page.read_text("utf-8"))})


@pytest.fixture(scope="module")
def routes() -> list[re.Pattern[str]]:
    """What the gateway and the services serve, as patterns."""
    from moat.kit.web.route import strict_routes
    from moat_local.plan import PARTS

    services = [import_module(f"{part.package}.features").SERVICE for part in PARTS]
    templates = {
        route.path
        for service in services
        for feature in service.features
        if feature.routes is not None
        for route in strict_routes(feature.routes)
    }
    return [re.compile(re.sub(r"\{\w+\}", r"[^/]+", template) + r"\Z") for template in templates | {"/v1/openapi.json"}]


@pytest.mark.parametrize(("document", "path"), shown_routes())
def test_every_route_that_is_shown_is_served(routes: list[re.Pattern[str]], document: str, path: str):
    assert any(route.match(path) for route in routes), f"{document} shows {path}"


def test_a_condition_that_is_shown_can_be_asked():
    from moat.rules import Catalogue, Instant, Lines, Money, Text, Texts, parse

    line = Lines({"category": Text(), "amount_minor": Money()})
    fields = {"city": Text(), "last_order_at": Instant(), "spent_minor": Money(), "tags": Texts(), "lines": line}
    page = (HANDBOOK / "conditions.md").read_text(encoding="utf-8")
    shown = re.findall(r"<!-- condition -->\n```json\n(.*?)```", page, re.DOTALL)

    for condition in shown:
        parse(json.loads(condition), Catalogue(fields))

    assert len(shown) == 2
