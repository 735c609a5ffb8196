"""With several workers, what shares a server, a house or a copy of it is run by one of them, and starts once."""

import os
import re
import subprocess
import sys
from pathlib import Path

GROUPED = """
import pytest

@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("group", [pytest.param(g, marks=pytest.mark.xdist_group(g)) for g in ("pears", "plums")])
def test_grouped(group: str, number: int): ...
"""


def test_a_group_is_not_torn_apart(tmp_path: Path):
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)

    ran = re.findall(r"\[(gw\d)\].*PASSED.*\[\d?-?(pears|plums)", done.stdout)
    assert len(ran) == 16, done.stdout + done.stderr
    assert len(set(ran)) == 2
