"""The ready linters, with this house's own configuration, catch what they are there for."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def said(*command: str, cwd: Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code and everything a tool wrote."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=env)
    return done.returncode, done.stdout + done.stderr


LOYALTY = "services/loyalty-svc/src/loyalty_svc"
BREAKS = {
    f"{LOYALTY}/utils.py": "",
    f"{LOYALTY}/ledger/usecases.py": "import scoring_svc.settings",
    f"{LOYALTY}/ledger/tables.py": "import loyalty_svc.earning.tables",
    f"{LOYALTY}/ledger/queries.py": "import loyalty_svc.ledger.usecases",
    f"{LOYALTY}/ledger/consumers.py": "import loyalty_svc.ledger.api",
    "shared/src/moat/kit/ids.py": "import moat.contracts.orders",
    "shared/src/moat/helpers.py": "",
    "shared/src/moat/kit/money.py": "import loyalty_svc.settings",
}


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the import law says about a copy of the house with every one of the breaks planted."""
    house = tmp_path_factory.mktemp("house")
    sources = [*ROOT.glob("*/src"), *ROOT.glob("services/*/src"), ROOT / "deploy/local/src"]
    copies = [house / source.relative_to(ROOT) for source in sources]
    for source, copy in zip(sources, copies, strict=True):
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", house)
    for name, text in BREAKS.items():
        path = house / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{text}\n", encoding="utf-8")

    environment = {"PYTHONPATH": ":".join(map(str, copies)), "COLUMNS": "200"}
    code, output = said(str(BIN / "lint-imports"), "--no-cache", "--no-logo", cwd=house, env=environment)

    assert code == 1, output
    return output


@pytest.mark.parametrize(
    ("law", "culprit"),
    [
        ("loyalty-svc: features in one direction, no stray module", "loyalty_svc.utils"),
        ("Services are islands: they meet in events", "loyalty_svc.ledger.usecases -> scoring_svc.settings"),
        ("loyalty-svc: features in one direction", "loyalty_svc.ledger.tables -> loyalty_svc.earning.tables"),
        ("Inside a feature: doors", "loyalty_svc.ledger.queries -> loyalty_svc.ledger.usecases"),
        ("Inside a feature: doors", "loyalty_svc.ledger.consumers -> loyalty_svc.ledger.api"),
        ("The kit knows no business noun", "moat.kit.ids -> moat.contracts.orders"),
        ("The kit knows no business noun", "moat.helpers"),
        ("What every service stands on imports none of them", "moat.kit.money -> loyalty_svc.settings"),
    ],
)
def test_the_import_law_catches_a_planted_break(verdict: str, law: str, culprit: str):
    [summary] = [line for line in verdict.splitlines() if line.startswith(law) and line.endswith(("KEPT", "BROKEN"))]

    assert summary.endswith("BROKEN")
    assert culprit in verdict


def test_ruff_and_mypy_catch_a_planted_break(tmp_path: Path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "planted.py"
    planted.write_text(
        '"""A module."""\n\nimport os\n\n\ndef double(x: int) -> str:\n    """Twice."""\n    return x * 2\n'
    )

    code, output = said(str(BIN / "ruff"), "check", "--no-cache", "planted.py", cwd=tmp_path)
    assert code == 1
    assert "F401" in output

    code, output = said(str(BIN / "mypy"), "--cache-dir", "/dev/null", "planted.py", cwd=tmp_path)
    assert code == 1
    assert "Incompatible return value type" in output


def test_an_import_that_is_not_declared_is_caught(tmp_path: Path):
    package = tmp_path / "services/loyalty-svc"
    (package / "src/loyalty_svc").mkdir(parents=True)
    (package / "src/loyalty_svc/__init__.py").write_text("import httpx\n")
    (package / "pyproject.toml").write_text('[project]\nname = "moat-loyalty-svc"\nversion = "0"\ndependencies = []\n')

    code, output = said(sys.executable, "-m", "tools.dependencies", str(tmp_path), cwd=ROOT)

    assert code == 1
    assert "'httpx' imported but" in output


def test_warnings_are_errors_in_tests(tmp_path: Path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert settings["filterwarnings"][0] == "error"
    planted = tmp_path / "test_planted.py"
    planted.write_text("import warnings\n\n\ndef test_planted():\n    warnings.warn('old', DeprecationWarning)\n")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    code, output = said(*command, str(planted), cwd=tmp_path)

    assert code == 1
    assert "DeprecationWarning: old" in output


def test_a_bad_compose_file_and_a_bad_dockerfile_are_caught(tmp_path: Path):
    (tmp_path / "docker-compose.yml").write_text("services:\n  web:\n    image: a\n    portz: []\n")
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway/Dockerfile").write_text("FROM debian\nRUN cd /srv\n")

    code, output = said(sys.executable, "-m", "tools.deployment", str(tmp_path), cwd=ROOT)

    assert code == 1
    assert "portz" in output
    assert "DL3006" in output
