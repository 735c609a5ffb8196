import subprocess
import sys
from pathlib import Path

from moat_local import clean
from moat_local.home import Home


def make_clean(home: Path, answer: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, clean.__file__],
        env={"MOAT_HOME": str(home)},
        cwd=home.parent,
        input=answer,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_data_is_deleted_only_when_asked_for(tmp_path: Path):
    home = Home(tmp_path / "home")
    home.prepare()

    kept = make_clean(home.path, "\n")
    assert home.path.exists()
    gone = make_clean(home.path, "y\n")

    assert (kept.returncode, gone.returncode, home.path.exists()) == (0, 0, False)


def test_a_running_moat_is_not_cleaned_away(tmp_path: Path):
    home = Home(tmp_path / "home")
    home.prepare()

    with home.locked():
        refused = make_clean(home.path, "y\n")

    assert (refused.returncode, home.path.exists()) == (1, True)
    assert "stop it first" in refused.stdout
