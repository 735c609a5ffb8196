"""`make new-service` makes a service that passes every check at once, in a copy of the house; or it changes nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tools.new_service.making import COMPOSE, make
from tools.new_service.naming import Refused, named
from tools.new_service.telling import TELLING

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
PYTHON = (sys.executable, "-m")
# Nobody's: the house that is copied may have been given services by this very command.
UNUSED = [
    word
    for word in ("specimen", "placebo", "dummy", "decoy", "phantom", "mockery", "sample", "nobody", "figment")
    if not (ROOT / f"services/{word}-svc").exists()
]
WORD, *OTHERS = UNUSED[:4]
# One worker makes the copy and checks it: the checks are few and long.
pytestmark = pytest.mark.xdist_group("new-service")


def tracked() -> Iterator[Path]:
    """What git knows or would take; where there is no repository, every file of the house."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return (Path(name) for name in done.stdout.split("\0") if name and (ROOT / name).is_file())
    hidden = (".venv", ".moat", ".git", "__pycache__", ".mypy_cache")
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return (path for path in found if not any(part.startswith(hidden) for part in path.parts))


def copied(into: Path, names: Iterator[Path]) -> Path:
    for name in names:
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, into / name)
    return into


def said(*command: str, cwd: Path, house: Path) -> tuple[int, str]:
    """The exit code and everything a tool wrote, with the packages of `house` before those that are installed."""
    sources = [*house.glob("*/src"), *house.glob("services/*/src"), house / "deploy/local/src"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": ":".join(map(str, sources)), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house with a service that was made a moment ago, by the command that the Makefile runs."""
    copy = copied(tmp_path_factory.mktemp("new") / "house", tracked())

    code, output = said(*PYTHON, "tools.new_service", WORD, cwd=copy, house=copy)

    assert code == 0, output
    assert f"Made services/{WORD}-svc" in output
    return copy


@pytest.mark.parametrize(
    "command",
    [
        (str(BIN / "ruff"), "format", "--check", "--no-cache", "."),
        (str(BIN / "ruff"), "check", "--no-cache", "."),
        (str(BIN / "lint-imports"), "--no-cache", "--no-logo"),
        (*PYTHON, "tools.house_rules"),
        (*PYTHON, "tools.dependencies"),
        (*PYTHON, "tools.contracts", "check"),
        (*PYTHON, "tools.locking", "check"),
        (*PYTHON, "tools.deployment"),
    ],
    ids=lambda command: " ".join(Path(word).name for word in command if word not in PYTHON),
)
def test_what_lint_runs_finds_nothing(house: Path, command: tuple[str, ...]):
    code, output = said(*command, cwd=house, house=house)

    assert code == 0, output


def test_its_types_are_strict(house: Path):
    # From the real house, so that what mypy knows of the kit already is not learnt anew.
    source = str(house / f"services/{WORD}-svc/src")

    code, output = said(str(BIN / "mypy"), "--config-file", str(house / "pyproject.toml"), source, cwd=ROOT, house=ROOT)

    assert code == 0, output


def test_its_own_tests_pass_its_migrations_up_down_and_up_among_them(house: Path):
    code, output = said(
        *PYTHON, "pytest", "-q", "-p", "no:cacheprovider", f"services/{WORD}-svc", cwd=house, house=house
    )

    assert code == 0, output
    assert " passed" in output
    assert "skipped" not in output


def test_the_others_have_heard_of_it(house: Path):
    neighbours = ("gateway/tests/edge/test_hearts.py", "gateway/tests/edge/test_process.py", "tests/deployment")
    counting = ("deploy/local/tests/test_plan.py", "shared/tests/db/test_migration_lint.py")
    # Of all documents those that speak of services; every link of the house has been tried where it belongs.
    texts = ("tests/handbook/test_documents_are_true.py", "-k", "not tests/handbook or README or CHANGELOG or served")
    asked = (*neighbours, *counting, *texts)

    code, output = said(*PYTHON, "pytest", "-q", "-p", "no:cacheprovider", *asked, cwd=house, house=house)

    assert code == 0, output


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Those files of the house that the generator reads or changes."""
    changed = {*TELLING, COMPOSE}
    wanted = (name for name in tracked() if str(name) in changed or name.suffix == ".py" or name.name == "Dockerfile")
    return copied(tmp_path, wanted)


def texts_of(house: Path) -> dict[str, bytes]:
    return {str(path.relative_to(house)): path.read_bytes() for path in house.rglob("*") if path.is_file()}


@pytest.mark.parametrize("given", [WORD, f"{WORD}-svc"])
def test_the_ending_may_be_left_out(few: Path, given: str):
    assert named(given, few).package == f"{WORD}_svc"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "Say which"),
        ("Visit", "lowercase"),
        ("store visit", "lowercase"),
        ("store_visit", "lowercase"),
        ("../visit", "lowercase"),
        ("v", "lowercase"),
        ("lambda", "a meaning of its own"),
        ("gateway", "a meaning of its own"),
        ("loyalty-svc", "is there already"),
        ("timeline", "answered by another service"),
        ("contacts", "scope contacts:read"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(few: Path, given: str, why: str):
    with pytest.raises(Refused, match=why):
        named(given, few)


@pytest.mark.parametrize("word", ["ab", "abcdefghijklmnopqrst", "zebra"])
def test_any_word_leaves_lines_and_imports_in_order(few: Path, word: str):
    make(few, named(word, few))

    for arguments in (("check",), ("format", "--check")):
        changed = [str(few / path) for path in (f"services/{word}-svc", "gateway/src", "deploy/local/src")]
        code, output = said(str(BIN / "ruff"), *arguments, "--no-cache", *changed, cwd=few, house=few)
        assert code == 0, output


def test_several_services_have_ports_of_their_own_and_none_is_made_twice(few: Path):
    before = (few / COMPOSE).read_text(encoding="utf-8")
    ports = []
    for word in (WORD, *OTHERS):
        name = named(word, few)
        ports.append(name.port)
        make(few, name)

    assert len(set(ports)) == len(ports)
    assert not any(str(port) in before or str(port + 10) in before for port in ports)
    with pytest.raises(Refused, match="is there already"):
        named(WORD, few)


def test_what_others_know_already_is_not_told_twice(few: Path):
    make(few, named(WORD, few))
    before = texts_of(few)
    shutil.rmtree(few / f"services/{WORD}-svc")

    made, changed = make(few, named(WORD, few))

    assert changed == []
    assert len(made) == 28
    after = texts_of(few)
    assert {path for path in after if after[path] != before.get(path)} <= {
        path for path in made if f"{WORD}-svc" in path
    }


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("pyproject.toml", 'id = "gateway"'),
        (COMPOSE, "  gateway-migrate:"),
        ("gateway/src/gateway/proxy/routing.py", 'b"overview": OWN,'),
        ("README.md", "| `shared/` |"),
    ],
)
def test_where_a_place_is_missing_nothing_is_changed(few: Path, path: str, gone: str):
    text = (few / path).read_text(encoding="utf-8")
    assert gone in text
    (few / path).write_text(text.replace(gone, "# rewritten"), encoding="utf-8")
    before = texts_of(few)

    with pytest.raises(Refused, match=f"{path}: cannot find"):
        make(few, named(WORD, few))

    assert texts_of(few) == before


def test_what_fails_in_the_middle_is_put_back(few: Path):
    routing = few / "gateway/src/gateway/proxy/routing.py"
    routing.write_text(routing.read_text(encoding="utf-8") + "\ndef (\n", encoding="utf-8")
    before = texts_of(few)

    with pytest.raises(Refused, match="ruff"):
        make(few, named(WORD, few))

    assert texts_of(few) == before
